"""Evidence is an in-toto statement in a DSSE envelope that other people's tools read, and nothing else passes for it."""

import base64
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.disclosure.validation.evidence import check_envelope, sign_statement, statement_of
from clearinghouse.disclosure.validation.judging import judge
from clearinghouse.disclosure.validation.judging.records import Observed
from clearinghouse.disclosure.validation.observing.records import Cell, Observation, Outcome
from clearinghouse.disclosure.validation.recipes.records import BuildName
from clearinghouse.disclosure.validation.workshop import Build
from clearinghouse.ledger.dsse import PAYLOAD_TYPE, key_id, pre_authentication
from clearinghouse.sandbox.base import Guard, Level
from validation_support import Bytes, bench_policy, strips

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SIGNER.public_key().public_bytes_raw()


def statement() -> dict[str, Any]:
    recipe = strips(Bytes())
    level = Level("bubblewrap", "0.8.0", frozenset((Guard.NETWORK, Guard.FILES)), "v1")
    crash = Observation(Outcome.CRASH_SANITIZER, "heap-buffer-overflow", "READ", ("read_strip",), exit_code=77, log_digest="sha256:00",
                        untrusted_log=b"secret of the log")
    cells = {
        BuildName.VULNERABLE: Cell("k1", "b1", recipe.reproducer, Outcome.CRASH_SANITIZER, (crash,) * 5, level),
        BuildName.FIXED: Cell("k2", "b2", recipe.reproducer, Outcome.CLEAN, (Observation(Outcome.CLEAN, reached_end=True),) * 5, level),
    }
    builds = {name: Build(name.value, True, "built", b"", True, "clang=1") for name in cells}
    observed = Observed(builds, cells, {}, {}, {BuildName.VULNERABLE: 5, BuildName.FIXED: 5}, level)
    return statement_of(recipe, judge(recipe, observed, bench_policy()), validator="pty_a", about=("rep_b",), now=NOW)


def test_statement_says_what_was_seen_and_quotes_no_log() -> None:
    found = statement()
    assert (found["_type"], found["predicateType"]) == ("https://in-toto.io/Statement/v1", "https://in-toto.io/attestation/test-result/v0.1")
    ours = found["predicate"]["clearinghouse"]
    assert (found["predicate"]["result"], ours["verdict"], ours["tier"], ours["at"]) == ("PASSED", "validated", "T0", "2026-11-21T12:00:00.000000Z")
    assert ours["sandbox"] == {"kind": "bubblewrap", "version": "0.8.0", "cgroups": "v1", "guards": ["files", "network"]}
    assert ours["cells"][0]["runs"][0] == {
        "outcome": "crash_sanitizer", "log": "sha256:00", "exit": 77, "reachedEnd": False, "milliseconds": 0, "kind": "heap-buffer-overflow",
        "frames": ["read_strip"], "reports": 0,
    }
    assert "secret of the log" not in json.dumps(found)


def test_other_peoples_tools_read_it() -> None:
    dsse = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    attestation = pytest.importorskip("in_toto_attestation.v1.statement")
    forms = pytest.importorskip("in_toto_attestation.v1.statement_pb2")
    parsing = pytest.importorskip("google.protobuf.json_format")
    signed = sign_statement(statement(), SIGNER)
    envelope = dsse.Envelope.from_dict(json.loads(signed))
    key = signer.SSlibKey(key_id(PUBLIC), "ed25519", "ed25519", {"public": PUBLIC.hex()})
    envelope.verify([key], 1)
    message = attestation.Statement.copy_from_pb(parsing.ParseDict(json.loads(envelope.payload), forms.Statement()))
    message.validate()
    results = pytest.importorskip("in_toto_attestation.predicates.test_result.v0.test_result_pb2")
    predicate = parsing.ParseDict(json.loads(envelope.payload)["predicate"], results.TestResult(), ignore_unknown_fields=True)
    assert (predicate.result, [each.name for each in predicate.configuration]) == ("PASSED", ["recipe"])


def test_envelope_has_the_bytes_of_the_protocol() -> None:
    assert pre_authentication("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_signed_statement_is_found_again_by_who_has_the_key() -> None:
    signed = sign_statement(statement(), SIGNER)
    found = check_envelope(signed, [bytes(32), PUBLIC])
    assert (found.statement, found.keys) == (statement(), (PUBLIC,))
    assert sign_statement(statement(), SIGNER) == signed, "the same statement, the same bytes"
    urlsafe = json.loads(signed)
    urlsafe["payload"] = base64.urlsafe_b64encode(base64.b64decode(urlsafe["payload"])).decode()
    assert check_envelope(json.dumps(urlsafe).encode(), [PUBLIC]).digest == found.digest


def test_nobodys_signature_is_no_signature() -> None:
    signed = sign_statement(statement(), Ed25519PrivateKey.generate())
    with pytest.raises(Invalid, match="none of the keys"):
        check_envelope(signed, [PUBLIC])
    with pytest.raises(Invalid, match="none of the keys"):
        check_envelope(signed, [])


def test_signature_does_not_hold_for_another_kind_of_payload() -> None:
    payload = json.dumps(statement()).encode()
    for kind in ("application/json", PAYLOAD_TYPE):
        envelope = {
            "payloadType": PAYLOAD_TYPE, "payload": base64.b64encode(payload).decode(),
            "signatures": [{"keyid": "", "sig": base64.b64encode(SIGNER.sign(pre_authentication(kind, payload))).decode()}],
        }
        if kind == PAYLOAD_TYPE:
            assert check_envelope(json.dumps(envelope).encode(), [PUBLIC]).statement == statement()
        else:
            with pytest.raises(Invalid, match="none of the keys"):
                check_envelope(json.dumps(envelope).encode(), [PUBLIC])


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_altered_envelope_is_refused_or_says_the_same(at: int, flip: int) -> None:
    signed = bytearray(sign_statement(statement(), SIGNER))
    signed[at % len(signed)] ^= flip
    with contextlib.suppress(Invalid):
        assert check_envelope(bytes(signed), [PUBLIC]).statement == statement()


@pytest.mark.parametrize("untrusted", [b"", b"{}", b"[]", b"null", b'{"payloadType": 1, "payload": 2, "signatures": 3}', b"[" * 100_000])
def test_what_is_no_envelope_is_refused(untrusted: bytes) -> None:
    with pytest.raises(Invalid):
        check_envelope(untrusted, [PUBLIC])
