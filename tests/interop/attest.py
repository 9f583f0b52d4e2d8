# SPDX-License-Identifier: MIT
"""Envelopes judged and made by securesystemslib and in-toto-attestation.

verify THRESHOLD ENVELOPE KEY.pub...   exit code 0 accepted, 1 refused
sign TYPE PAYLOAD-FILE OUT KEY.pem...  an envelope that each key has signed
parse ENVELOPE                         the payload as in-toto's own classes read it
inputs LOCK ENVELOPE                   the digest of a lock's inputs is the one in a joint statement
"""

import base64
import hashlib
import json
import sys

from cryptography.hazmat.primitives import serialization


def public_key(path):
    from securesystemslib.signer import SSlibKey

    key = serialization.load_pem_public_key(open(path, "rb").read())
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return SSlibKey.from_crypto(key, keyid=hashlib.sha256(der).hexdigest())


def verify(threshold, path, *keys):
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError

    envelope = Envelope.from_dict(json.load(open(path)))
    try:
        accepted = envelope.verify([public_key(key) for key in keys], int(threshold))
    except (VerificationError, ValueError) as why:
        print("refused:", why)
        return 1
    print("accepted:", sorted(accepted))
    return 0


def sign(kind, payload, out, *keys):
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner

    envelope = Envelope(open(payload, "rb").read(), kind, {})
    for path in keys:
        key = serialization.load_pem_private_key(open(path, "rb").read(), None)
        envelope.sign(CryptoSigner(key))
    json.dump(envelope.to_dict(), open(out, "w"))
    return 0


def parse(path):
    import google.protobuf.json_format as pb_json
    import in_toto_attestation.predicates.provenance.v1.provenance_pb2 as provenance_pb2
    import in_toto_attestation.v1.statement_pb2 as statement_pb2
    from in_toto_attestation.v1.statement import Statement

    payload = base64.b64decode(json.load(open(path))["payload"], validate=True)
    statement = Statement.copy_from_pb(pb_json.Parse(payload, statement_pb2.Statement()))
    statement.validate()
    print(len(statement.pb.subject), "subjects,", statement.pb.predicate_type)
    if statement.pb.predicate_type == "https://slsa.dev/provenance/v1":
        own = json.loads(payload)["predicate"]
        read = pb_json.ParseDict(own, provenance_pb2.Provenance(), ignore_unknown_fields=True)
        assert read.build_definition.build_type == own["buildDefinition"]["buildType"]
        assert len(read.build_definition.resolved_dependencies) == len(own["buildDefinition"]["resolvedDependencies"])
        assert read.run_details.builder.id == own["runDetails"]["builder"]["id"]
        assert dict(read.run_details.builder.version) == own["runDetails"]["builder"]["version"]
        assert read.run_details.metadata.HasField("finished_on") == ("finishedOn" in own["runDetails"].get("metadata", {}))
        print(len(read.build_definition.resolved_dependencies), "inputs")
    return 0


def inputs(lock, path):
    lock = json.load(open(lock))
    line = json.dumps({k: lock[k] for k in ("epoch", "seed", "manifest", "inputs")}, separators=(",", ":"), ensure_ascii=False)
    want = hashlib.sha256((line + "\n").encode()).hexdigest()
    statement = json.loads(base64.b64decode(json.load(open(path))["payload"]))
    have = statement["predicate"]["verifier"]["policies"][0]["digest"]["sha256"]
    print(want, have)
    return int(want != have)


sys.exit({"verify": verify, "sign": sign, "parse": parse, "inputs": inputs}[sys.argv[1]](*sys.argv[2:]))
