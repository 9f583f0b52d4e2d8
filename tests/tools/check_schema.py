#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_schema.py SCHEMA DOCUMENT [--lines]: is a JSON document what its schema says?

Knows as much of JSON Schema (draft 2020-12) as the files in docs/schema use, and refuses a schema
that uses more. With --lines each line is a document. `make interop` asks another validator, too."""
import json
import re
import sys

KNOWN = {"$schema", "$id", "$defs", "$ref", "$comment", "title", "description", "type", "properties",
         "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems", "enum",
         "const", "minimum", "maximum", "pattern", "oneOf", "anyOf", "allOf", "if", "then", "else",
         "not", "propertyNames", "examples", "uniqueItems", "minLength", "patternProperties",
         "minProperties", "dependentRequired"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def no_twins(pairs):
    keys = [k for k, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("two equal keys")
    return dict(pairs)


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Schema:
    def __init__(self, root):
        self.root = root

    def errors(self, s, v, at="$"):
        if s is True:
            return
        if s is False:
            yield "%s: must not be there" % at
            return
        for key in s:
            if key not in KNOWN:
                raise SystemExit("the schema uses %s, which this program does not know" % key)
        if "$ref" in s:
            target = self.root
            for step in s["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            yield from self.errors(target, v, at)
        if "type" in s:
            names = s["type"] if isinstance(s["type"], list) else [s["type"]]
            if not any(is_type(v, n) for n in names):
                yield "%s: %s expected, found %s" % (at, " or ".join(names), json.dumps(v)[:60])
                return
        if "const" in s and (v != s["const"] or type(v) is not type(s["const"])):
            yield "%s: %s expected" % (at, json.dumps(s["const"]))
        if "enum" in s and v not in s["enum"]:
            yield "%s: %s is none of the words" % (at, json.dumps(v)[:60])
        yield from self.numbers_and_texts(s, v, at)
        if isinstance(v, dict):
            yield from self.of_object(s, v, at)
        if isinstance(v, list):
            yield from self.of_array(s, v, at)
        yield from self.combined(s, v, at)

    def numbers_and_texts(self, s, v, at):
        if is_type(v, "number"):
            if v < s.get("minimum", v):
                yield "%s: %s is too small" % (at, v)
            if v > s.get("maximum", v):
                yield "%s: %s is too large" % (at, v)
        if isinstance(v, str):
            if "pattern" in s and not re.search(s["pattern"], v):
                yield "%s: %s does not fit %s" % (at, json.dumps(v)[:60], s["pattern"])
            if len(v) < s.get("minLength", 0):
                yield "%s: too short" % at

    def of_object(self, s, v, at):
        for key in s.get("required", []):
            if key not in v:
                yield "%s: %s is missing" % (at, key)
        for key, needs in s.get("dependentRequired", {}).items():
            if key in v and any(n not in v for n in needs):
                yield "%s: with %s there must be %s" % (at, key, needs)
        if len(v) < s.get("minProperties", 0):
            yield "%s: too few keys" % at
        for key, value in v.items():
            here = "%s.%s" % (at, key)
            known = key in s.get("properties", {})
            if known:
                yield from self.errors(s["properties"][key], value, here)
            for pattern, sub in s.get("patternProperties", {}).items():
                if re.search(pattern, key):
                    known = True
                    yield from self.errors(sub, value, here)
            if not known and "additionalProperties" in s:
                yield from self.errors(s["additionalProperties"], value, here)
            if "propertyNames" in s:
                yield from self.errors(s["propertyNames"], key, here)

    def of_array(self, s, v, at):
        if not s.get("minItems", 0) <= len(v) <= s.get("maxItems", len(v)):
            yield "%s: %d items" % (at, len(v))
        if s.get("uniqueItems") and len({json.dumps(i, sort_keys=True) for i in v}) != len(v):
            yield "%s: an item twice" % at
        prefix = s.get("prefixItems", [])
        for i, item in enumerate(v):
            sub = prefix[i] if i < len(prefix) else s.get("items", True)
            yield from self.errors(sub, item, "%s[%d]" % (at, i))

    def combined(self, s, v, at):
        def fits(sub):
            return next(self.errors(sub, v, at), None) is None

        for sub in s.get("allOf", []):
            yield from self.errors(sub, v, at)
        if "anyOf" in s and not any(map(fits, s["anyOf"])):
            yield "%s: fits none of the choices" % at
        if "oneOf" in s and sum(map(fits, s["oneOf"])) != 1:
            yield "%s: does not fit exactly one of the choices" % at
        if "not" in s and fits(s["not"]):
            yield "%s: is what it must not be" % at
        if "if" in s:
            yield from self.errors(s.get("then" if fits(s["if"]) else "else", True), v, at)


def main():
    lines = "--lines" in sys.argv
    schema_path, path = [a for a in sys.argv[1:] if a != "--lines"]
    with open(schema_path, encoding="utf-8") as f:
        schema = Schema(json.load(f, object_pairs_hook=no_twins))
    bad = 0
    with open(path, encoding="utf-8") as f:
        texts = f.read().splitlines() if lines else [f.read()]
    for text in texts:
        for error in schema.errors(schema.root, json.loads(text, object_pairs_hook=no_twins)):
            bad += 1
            if bad <= 20:
                print("%s: %s" % (path, error))
    return bad > 0


sys.exit(main())
