# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# rimg verify keygen, attest, agree: three machines build one image, one of them gets other bytes.
. tests/lib.sh
. tests/faults.sh
need openssl

rimg=$(realpath "$RIMG")
top=$PWD
# fits SCHEMA FILE
fits() {
	command -v python3 >/dev/null 2>&1 || return
	exits "it is as docs/schema/$1 says" 0 python3 "$top/tests/tools/check_schema.py" "$top/docs/schema/$1" "$2"
}
docs=$PWD/docs/attest.md
unset SOURCE_DATE_EPOCH

# ---- inputs --------------------------------------------------------------------------------------
in=$tmp/in
mkdir -p "$in/initfs/bin"
printf 'init\n' >"$in/initfs/bin/init"
head -c 60000 "$rimg" >"$in/kernel"
head -c 9000 "$rimg" >"$in/bootstrap"
printf 'MZ loader\n' >"$in/loader.efi"
cat >"$in/os.toml" <<END
[image]
size = "8MiB"
epoch = 1767225600
seed = "agree"
[bootloader]
source = "loader.efi"
sha256 = "$(openssl dgst -sha256 -r "$in/loader.efi" | cut -d' ' -f1)"
[[files]]
path = "/boot/kernel"
source = "kernel"
[[files]]
path = "/boot/initfs"
source = "initfs/bin/init"
END

# ---- keys ----------------------------------------------------------------------------------------
cd "$tmp" || exit 1
umask 022
for who in alice bob carol mallory; do
	exits "a key for $who" 0 "$rimg" verify keygen $who
	id=$(openssl pkey -pubin -in $who.pub -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1)
	says "its id is the one that openssl computes" "$id  $who.pub" "$out"
done
[ "$(stat -c %a alice.pem)" = 600 ] && pass 'the secret half is for its owner only' ||
	not_pass 'the secret half is for its owner only' "$(stat -c %a alice.pem)"
openssl pkey -in alice.pem -pubout >from-openssl 2>&1
same 'openssl reads the secret half, and makes the same public one of it' alice.pub from-openssl
cp alice.pem before
exits 'an existing key is not overwritten' 2 "$rimg" verify keygen alice
same 'it is as it was' before alice.pem
rm alice.pub
exits 'nor when only one half is there' 2 "$rimg" verify keygen alice
same 'that is as it was, too' before alice.pem
cp from-openssl alice.pub
exits 'no folder, no key' 2 "$rimg" verify keygen nowhere/key
exits 'keygen as JSON' 0 "$rimg" verify keygen --json dave
cp "$out" keygen.out
fits verify-keygen.json keygen.out

# ---- three machines ------------------------------------------------------------------------------
# machine HOSTNAME COMMAND...: in namespaces of its own where that is allowed
if unshare -r -u -n -i true 2>/dev/null; then
	machine() {
		host=$1
		shift
		unshare -r -u -n -i sh -c 'hostname "$0" 2>/dev/null; exec "$@"' "$host" "$@"
	}
else
	echo 'skipped: namespaces are not allowed here, so the three machines are three folders'
	machine() {
		shift
		"$@"
	}
fi
for who in alice bob carol; do
	mkdir $who.d
	cp -R in $who.d/src
done
(cd alice.d && TZ=Asia/Tokyo machine alice "$rimg" build src/os.toml -o os.img --lock os.lock -q -j 1)
(cd bob.d && umask 077 && HOME=/nowhere machine bob "$rimg" build src/os.toml -o "$tmp/bob.d/os.img" \
	--lock os.lock -q -j 3)
(cd carol.d && machine carol "$rimg" build src/os.toml -o os.img --lock os.lock -q)
same 'two machines: the same bytes' alice.d/os.img bob.d/os.img
same 'the same lock' alice.d/os.lock bob.d/os.lock
# the third one's disk has flipped a bit of the kernel before its lock was written
printf X | dd of=carol.d/src/kernel bs=1 seek=30000 conv=notrunc status=none
(cd carol.d && "$rimg" build src/os.toml -o os.img --lock bad.lock -q)
good=$(openssl dgst -sha256 -r alice.d/os.img | cut -d' ' -f1)
bad=$(openssl dgst -sha256 -r carol.d/os.img | cut -d' ' -f1)
sed "s/$(openssl dgst -sha256 -r carol.d/src/kernel | cut -d' ' -f1)/$(openssl dgst -sha256 -r in/kernel |
	cut -d' ' -f1)/; s/$good/$bad/" carol.d/bad.lock >carol.d/os.lock
for who in alice bob carol; do
	exits "$who attests" 0 machine $who "$rimg" verify attest $who.d/os.img --lock $who.d/os.lock \
		--key $who.pem -o $who.json --fact "machine=$who"
done
trust='--trusted alice.pub --trusted bob.pub --trusted carol.pub'

# shellcheck disable=SC2086
{
exits 'two of three agree' 0 "$rimg" verify agree alice.d/os.img --threshold 2 $trust alice.json bob.json carol.json
says 'it says so' 'agreed: 2 trusted keys vouch for these bytes, 2 needed' "$out"
says 'the third one is named' 'carol.pub  carol.json' "$out"
says 'with its bytes' "sha256: $bad" "$out"
says 'with the layer' 'differs: os.img::REDOX::/boot/kernel' "$out"
says 'with its machine' 'machine: machine = carol' "$out"
grep -q '^dissents .*carol' "$out" && pass 'as a dissenter' || not_pass 'as a dissenter' "$(cat "$out")"
grep -q 'differs: os.img::EFI' "$out" && not_pass 'equal layers are not named' 'EFI is' || pass 'equal layers are not named'

exits 'three of three do not' 1 "$rimg" verify agree alice.d/os.img --threshold 3 $trust alice.json bob.json carol.json
says 'it says so' 'not agreed: 2 trusted keys' "$out"
exits 'the other image is not agreed on' 1 "$rimg" verify agree carol.d/os.img --threshold 2 $trust alice.json bob.json carol.json
says 'it says for what there are most keys' "most keys for other bytes: $good" "$out"
exits 'by one key each there is a conflict' 1 "$rimg" verify agree carol.d/os.img --threshold 1 $trust alice.json carol.json
says 'it says so' 'conflict: 1 trusted key for these bytes' "$out"

mkdir images
cp carol.d/os.img images/some-name.img
exits 'the dissenter'"'"'s image is compared' 0 "$rimg" verify agree alice.d/os.img --threshold 2 $trust --theirs images alice.json bob.json carol.json
says 'it says with what' 'compared with images/some-name.img' "$out"
says 'and why they differ' '/boot/kernel' "$out"
says 'all bytes are explained' 'unexplained 0' "$out"

mkdir all
cp alice.json bob.json carol.json all
exits 'a folder of attestations' 0 "$rimg" verify agree alice.d/os.img --threshold 2 $trust all
exits 'a layer of the image' 0 "$rimg" verify agree alice.d/os.img::EFI --threshold 3 $trust all
exits 'the layer that differs' 0 "$rimg" verify agree alice.d/os.img::REDOX --threshold 2 $trust all
exits 'the same file twice is one vote' 1 "$rimg" verify agree alice.d/os.img --threshold 2 $trust alice.json alice.json
says 'it says so' 'repeated' "$out"
exits 'as JSON' 0 "$rimg" verify agree --json alice.d/os.img --threshold 2 $trust --theirs images all
cp "$out" agree.out
fits verify-agree.json agree.out
cp agree.out "$out"
if command -v python3 >/dev/null 2>&1; then
	python3 - "$out" "$good" "$bad" >"$err" 2>&1 <<'END' && pass 'JSON says the same' || not_pass 'JSON says the same' "$(cat "$err")"
import json, sys
d = json.load(open(sys.argv[1]))
assert d["image"]["sha256"] == sys.argv[2] and d["keys"] == 2 and d["against"] == 1, d
assert [v["standing"] for v in d["votes"]] == ["counts", "counts", "dissents"], d
assert d["votes"][2]["sha256"] == sys.argv[3] and d["votes"][2]["machine"] == {"machine": "carol"}, d
assert d["votes"][2]["differs"] == ["os.img", "os.img::REDOX", "os.img::REDOX::/boot/kernel"], d
assert d["votes"][2]["diff"]["unexplained"] == 0 and d["votes"][2]["diff"]["roots"], d
assert len({v["definition"] for v in d["votes"]}) == 1 and d["refused"] == [], d
END
fi

# ---- what leaves no verdict ----------------------------------------------------------------------
"$rimg" verify attest alice.d/os.img --lock alice.d/os.lock --key mallory.pem -o mallory.json >/dev/null
exits 'an unknown key' 2 "$rimg" verify agree alice.d/os.img --threshold 2 $trust alice.json bob.json mallory.json
says 'it says so' 'mallory.json: signature 1 holds for no trusted key' "$out"
says 'and that there is no verdict' 'no verdict: 1 attestation' "$out"
sed 's/"payload":"eyJ/"payload":"eyI/' alice.json >tampered.json
exits 'an altered statement' 2 "$rimg" verify agree alice.d/os.img --threshold 1 $trust tampered.json bob.json
says 'it says so' 'though it names the key of alice.pub: the statement or the signature was altered' "$out"
exits 'as JSON' 2 "$rimg" verify agree --json alice.d/os.img --threshold 1 $trust tampered.json bob.json
cp "$out" trouble.out
says 'it has no verdict' '"verdict": "trouble"' trouble.out
fits verify-agree.json trouble.out
exits 'a file that is no attestation' 2 "$rimg" verify agree alice.d/os.img --threshold 1 $trust alice.json in/os.toml
exits 'a file that is not there' 2 "$rimg" verify agree alice.d/os.img --threshold 1 $trust alice.json nothing.json
exits 'a folder in the folder' 2 "$rimg" verify agree alice.d/os.img --threshold 1 $trust "$tmp/alice.d"
mkdir none
exits 'an empty folder' 2 "$rimg" verify agree alice.d/os.img --threshold 1 $trust none
exits 'an image that is not there' 2 "$rimg" verify agree no.img --threshold 1 $trust alice.json
sed 's/}$/}{}/' alice.json >more.json
exits 'something behind the envelope' 2 "$rimg" verify agree alice.d/os.img --threshold 1 $trust more.json
says 'with its offset' "at byte $(($(wc -c <alice.json) - 1))" "$out"
until=2026-01-01T00:00:00Z
exits 'a key that has expired' 2 "$rimg" verify agree alice.d/os.img --threshold 1 --trusted alice.pub,until=$until --now $until alice.json
says 'it says so' 'the key of alice.pub has expired' "$out"
exits 'a second before it had not' 0 "$rimg" verify agree alice.d/os.img --threshold 1 --trusted alice.pub,until=$until --now 2025-12-31T23:59:59Z alice.json
exits 'the clock says that 1970 is over' 2 "$rimg" verify agree alice.d/os.img --threshold 1 --trusted alice.pub,until=1 alice.json
"$rimg" verify attest alice.d/os.img --lock alice.d/os.lock --key alice.pem --expires $until -o expired.json >/dev/null
exits 'a statement that has expired' 2 "$rimg" verify agree alice.d/os.img --threshold 1 $trust --now $until expired.json
says 'it says so' 'expired.json: the statement has expired' "$out"
exits 'a second before it had not' 0 "$rimg" verify agree alice.d/os.img --threshold 1 $trust --now 2025-12-31T23:59:59Z expired.json

exits 'a threshold of 0' 2 "$rimg" verify agree alice.d/os.img --threshold 0 $trust alice.json
exits 'a threshold that can never be reached' 2 "$rimg" verify agree alice.d/os.img --threshold 4 $trust alice.json
exits 'no threshold' 2 "$rimg" verify agree alice.d/os.img $trust alice.json
exits 'nobody to trust' 2 "$rimg" verify agree alice.d/os.img --threshold 1 alice.json
exits 'nothing attested' 2 "$rimg" verify agree alice.d/os.img --threshold 1 $trust
cp alice.pub twin.pub
exits 'one key under two names' 2 "$rimg" verify agree alice.d/os.img --threshold 2 --trusted alice.pub --trusted twin.pub alice.json
says 'it says so' 'are the same key' "$err"
exits 'a secret key as a trusted one' 2 "$rimg" verify agree alice.d/os.img --threshold 1 --trusted alice.pem alice.json
}

# ---- attesting -----------------------------------------------------------------------------------
(cd bob.d && TZ=Pacific/Kiritimati LC_ALL=C "$rimg" verify attest "$tmp/alice.d/os.img" --lock os.lock \
	--key ../alice.pem --fact machine=alice -o again.json -j 1 >/dev/null)
same 'the same image, lock and key make the same file' alice.json bob.d/again.json
exits 'an image that the lock is not about' 1 "$rimg" verify attest carol.d/os.img --lock alice.d/os.lock --key carol.pem -o no.json
exits 'a damaged image' 1 "$rimg" verify attest "$OLDPWD/$GOLDEN/broken/gpt-header-crc.img" --key alice.pem -o no.json
exits 'an image without a name' 2 "$rimg" verify attest alice.d/os.img --key alice.pem --name '' -o no.json
exits 'over before it is made' 2 "$rimg" verify attest alice.d/os.img --key alice.pem --time 1000 --expires 1000 -o no.json
exits 'no key' 2 "$rimg" verify attest alice.d/os.img --key nokey.pem -o no.json
exits 'a public key' 2 "$rimg" verify attest alice.d/os.img --key alice.pub -o no.json
exits 'a time that is none' 2 "$rimg" verify attest alice.d/os.img --key alice.pem --time yesterday -o no.json
exits 'a fact twice' 2 "$rimg" verify attest alice.d/os.img --key alice.pem --fact a=1 --fact a=2 -o no.json
cat alice.pem alice.d/os.img alice.d/os.lock | sha256sum >before.sum
for file in alice.pem alice.d/os.img alice.d/os.lock; do
	exits "an attestation is not written over $file" 2 "$rimg" verify attest alice.d/os.img \
		--lock alice.d/os.lock --key alice.pem -o "./$file"
done
cat alice.pem alice.d/os.img alice.d/os.lock | sha256sum >after.sum
same 'they are as they were' before.sum after.sum
exits 'a joint statement without a time' 2 "$rimg" verify attest alice.d/os.img --key alice.pem --joint -o no.json
[ -e no.json ] && not_pass 'nothing was written' no.json || pass 'nothing was written'
sed '/"manifest": {/,/}/d' alice.d/os.lock >old.lock
exits 'a lock that does not name the manifest' 2 "$rimg" verify attest alice.d/os.img --lock old.lock --key alice.pem -o no.json
says 'it says what to do' 'build again' "$err"
cp alice.pem shown.pem
chmod 644 shown.pem
exits 'a secret key that others may read' 0 "$rimg" verify attest alice.d/os.img --key shown.pem -o shown.json
says 'is told' 'shown.pem: others than its owner may read this secret key (mode 0644)' "$err"
openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret -in alice.pem -out locked.pem
exits 'an encrypted key' 2 "$rimg" verify attest alice.d/os.img --key locked.pem -o no.json
says 'it says what to do' '--passphrase-file' "$err"
echo secret >passphrase
exits 'an encrypted key with its passphrase' 0 "$rimg" verify attest alice.d/os.img --lock alice.d/os.lock --key locked.pem \
	--passphrase-file passphrase --fact machine=alice -o unlocked.json
same 'signs the same' alice.json unlocked.json

# ---- joint statements ----------------------------------------------------------------------------
exits 'as JSON' 0 "$rimg" verify attest --json alice.d/os.img --lock alice.d/os.lock --key alice.pem -o json.json
cp "$out" attest.out
fits verify-attest.json attest.out
exits 'a joint statement' 0 "$rimg" verify attest alice.d/os.img --lock alice.d/os.lock --key alice.pem --joint -o joint.json
cp joint.json before
exits 'others sign it as well' 0 "$rimg" verify attest bob.d/os.img --lock bob.d/os.lock --key bob.pem --add-to joint.json
exits 'but not who has other bytes' 1 "$rimg" verify attest carol.d/os.img --lock carol.d/os.lock --key carol.pem --add-to joint.json
says 'it says where' 'os.img has other bytes here' "$err"
exits 'nor who has another lock' 1 "$rimg" verify attest bob.d/os.img --key carol.pem --add-to joint.json
exits 'nor a statement that is not joint' 2 "$rimg" verify attest bob.d/os.img --lock bob.d/os.lock --key bob.pem --add-to alice.json
# shellcheck disable=SC2086
exits 'two keys agree' 0 "$rimg" verify agree alice.d/os.img --threshold 2 $trust joint.json
cp joint.json before
exits 'who has signed signs once' 0 "$rimg" verify attest bob.d/os.img --lock bob.d/os.lock --key bob.pem --add-to joint.json
same 'it stays as it is' before joint.json
# shellcheck disable=SC2086
exits 'own and joint statements do not add up' 1 "$rimg" verify agree alice.d/os.img --threshold 3 $trust joint.json alice.json bob.json

# ---- without rimg --------------------------------------------------------------------------------
# the commands of docs/attest.md, as they stand there
mkdir plain
cp alice.json alice.pub plain
cp alice.d/os.img plain
sed -n '/^## Verify without rimg/,/^## JSON/s/^    \$ //p' "$docs" >plain/commands
(cd plain && sh -e ./commands) >"$out" 2>"$err" </dev/null
status=$?
[ $status = 0 ] && pass 'openssl alone verifies' || not_pass 'openssl alone verifies' "$(cat "$err")"
says 'the signature' 'Signature Verified Successfully' "$out"
[ "$(grep -cx 1 "$out")" = 2 ] && pass 'the image' || not_pass 'the image' "$(cat "$out")"
[ "$(wc -l <plain/commands)" = 8 ] && pass 'all eight commands were run' || not_pass 'all eight commands' "$(cat plain/commands)"
printf X | dd of=plain/os.img bs=1 seek=3000000 conv=notrunc status=none
(cd plain && sh -e ./commands) >"$out" 2>&1 && not_pass 'openssl refuses another image' "$(cat "$out")" || pass 'openssl refuses another image'
cp alice.d/os.img plain
sed 's/"payload":"eyJ/"payload":"eyI/' alice.json >plain/alice.json
(cd plain && sh -e ./commands) >"$out" 2>&1 && not_pass 'openssl refuses an altered statement' "$(cat "$out")" || pass 'openssl refuses an altered statement'

# an envelope that openssl alone has made
payload='{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"'$good'"}}],"predicateType":"https://slsa.dev/provenance/v1","predicate":{"buildDefinition":{"buildType":"urn:x","externalParameters":{}},"runDetails":{"builder":{"id":"urn:y"}}}}'
printf 'DSSEv1 28 application/vnd.in-toto+json %d %s' ${#payload} "$payload" >signed
openssl pkeyutl -sign -rawin -inkey bob.pem -in signed -out sig
printf '{"payloadType":"application/vnd.in-toto+json","payload":"%s","signatures":[{"sig":"%s"}]}' \
	"$(printf %s "$payload" | openssl base64 -A)" "$(openssl base64 -A -in sig)" >openssl.json
exits 'what openssl has signed counts' 0 "$rimg" verify agree alice.d/os.img --threshold 1 --trusted bob.pub openssl.json

# ---- broken disks --------------------------------------------------------------------------------
cd "$OLDPWD" || exit 1
if faults_build; then
	cd "$tmp" || exit 1
	# no file under the final name, or the whole one; nothing else stays but what a killed run left
	keys_whole() {
		for half in fault.pem fault.pub; do
			[ ! -e $half ] || openssl pkey -in $half -noout 2>/dev/null ||
				openssl pkey -pubin -in $half -noout 2>/dev/null || return 1
		done
		[ "$2" = KILL ] || [ ! -e fault.pem ] || [ -e fault.pub ] || return 1
		[ "$2" = KILL ] || [ "$1" = remove ] || [ -z "$(ls fault.*.tmp 2>/dev/null)" ] || return 1
		rm -f fault.pem fault.pub fault.*.tmp
	}
	attestation_whole() {
		[ ! -e fault.json ] || cmp -s fault.json alice.json || return 1
		[ "$2" = KILL ] || [ -z "$(ls fault.*.tmp 2>/dev/null)" ] || return 1
		rm -f fault.json fault.*.tmp
	}
	nothing() { ! grep -q '^agreed' "$out"; }
	for fault_case in make:ENOSPC write:ENOSPC write:EIO sync:EIO name:EIO write:KILL sync:KILL name:KILL; do
		kind=${fault_case%:*} error=${fault_case#*:}
		faults keygen $kind $error keys_whole "$rimg" verify keygen fault
		rm -f fault.pem fault.pub
		faults attest $kind $error attestation_whole "$rimg" verify attest alice.d/os.img \
			--lock alice.d/os.lock --key alice.pem --fact machine=alice -o fault.json
		same 'and in the end it is written' alice.json fault.json
		rm -f fault.json
	done
	faults attest read EIO attestation_whole "$rimg" verify attest alice.d/os.img -j 1 \
		--lock alice.d/os.lock --key alice.pem --fact machine=alice -o fault.json
	rm -f fault.json
	faults agree read EIO nothing "$rimg" verify agree alice.d/os.img -j 1 --threshold 2 --trusted alice.pub \
		--trusted bob.pub alice.json bob.json
	exits 'a full disk for the results' 2 sh -c '"$@" >/dev/full' sh "$rimg" verify agree alice.d/os.img \
		--threshold 1 --trusted alice.pub alice.json
else
	echo 'skipped: a library to be preloaded cannot be built here'
fi

done_testing
