// SPDX-License-Identifier: MIT
//! Uses the crates, so that their generic functions are made too

use std::collections::{BTreeMap, HashMap};

pub fn numbers(text: &str) -> Option<String> {
    let a: num_bigint::BigUint = text.parse().ok()?;
    Some((&a * &a + 1u32).to_string())
}

pub fn json(text: &str) -> Option<usize> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    serde_json::to_string_pretty(&value).ok().map(|s| s.len())
}

pub fn words(text: &str) -> Vec<(String, usize)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    let mut list: Vec<_> = counts.into_iter().collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    list
}

pub fn tree(keys: &[u64]) -> BTreeMap<u64, f64> {
    keys.iter().map(|&k| (k, (k as f64).sqrt() / 3.0)).collect()
}

pub fn hash(data: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(data).iter().map(|b| format!("{b:02x}")).collect()
}

pub fn find(pattern: &str, text: &str) -> Option<usize> {
    let regex = regex_automata::meta::Regex::new(pattern).ok()?;
    regex.find(text).map(|m| m.start())
}

pub fn deflate(data: &[u8]) -> Vec<u8> {
    let packed = miniz_oxide::deflate::compress_to_vec(data, 6);
    miniz_oxide::inflate::decompress_to_vec(&packed).unwrap_or_default()
}
