"""The block of provenance: read with suspicion, longer by a hop and otherwise the same bytes."""

import contextlib
import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.app.settings import default_policy_document, parse_policy
from clearinghouse.core.errors import Invalid
from clearinghouse.disclosure.intake.provenance.block import append_hop, link_after, parse_block, render_hop
from clearinghouse.disclosure.intake.provenance.envelope import parse_envelope, render_envelope
from clearinghouse.disclosure.intake.provenance.records import AlteredBlock, Hop
from clearinghouse.disclosure.intake.records import Credit, Finding

POLICY = parse_policy(1, default_policy_document()).relay
HOP = {"by": "a.example", "handling_id": "A-1", "functions": ["routing"], "accepted_at": "2026-11-01T00:00:00Z"}
BLOCK: dict[str, Any] = {
    "credits": [{"name": "Ada"}, {"name": "scan[bot]", "type": "finder"}, {"name": "Finder 3", "kind": "ai", "type": "tool"}],
    "chain": [HOP], "origin": {"by": "finder.example", "id": "F-7", "references": ["mailto:x"]},
    "embargo": {"ends_at": "2027-01-01T00:00:00Z", "terms": "until a fix is out"},
    "deduplication": [{"by": "a.example", "says": "none_known"}],
}


def rendered(**changes: Any) -> bytes:
    """The block with changes, as a sender may spell it."""
    return json.dumps(BLOCK | changes, indent=1).encode()


def test_block_is_read_and_what_is_no_person_is_a_tool() -> None:
    block = parse_block(rendered(), POLICY)
    assert block.credits == (Credit("Ada"), Credit("scan[bot]", "tool"), Credit("Finder 3", "tool"))
    assert (block.origin_by, block.origin_id, block.references) == ("finder.example", "F-7", ("mailto:x",))
    assert [hop.handling_id for hop in block.chain] == ["A-1"]
    assert block.raw == rendered()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(
    extra=st.dictionaries(st.sampled_from(["aaa", "x chain", "[", "\\", '"', "zz"]), _JSON, max_size=4), hops=st.integers(0, 3),
    indent=st.sampled_from([None, 0, 2]), ascii_only=st.booleans(), key_order=st.permutations(["chain", "credits", "origin"]),
)
def test_hop_is_added_and_every_other_byte_stays(
    extra: dict[str, Any], hops: int, indent: int | None, ascii_only: bool, key_order: list[str]
) -> None:
    """A block is kept verbatim: the bytes that leave are the bytes that came with one hop put in."""
    chain = [HOP | {"handling_id": f"A-{number}", "note": "]} \\\" ["} for number in range(hops)]
    value = extra | {key: (BLOCK | {"chain": chain})[key] for key in key_order}
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    block = parse_block(raw, POLICY)
    hop = render_hop(Hop("b.example", "hid_x", ("routing",), (), "2026-11-02", block.links[-1]))
    longer = append_hop(block, hop)
    assert json.loads(longer) == value | {"chain": [*chain, json.loads(hop)]}
    put_in = (b"," if hops else b"") + hop
    assert longer.replace(put_in, b"", 1) == raw
    again = parse_block(longer, POLICY)
    assert again.links == (*block.links, link_after(block, hop))


def test_links_cover_everything_before_them() -> None:
    block = parse_block(rendered(), POLICY)
    rest = {name: entry for name, entry in BLOCK.items() if name != "chain"}
    first = "sha256:" + hashlib.sha256(rfc8785.dumps(rest)).hexdigest()
    second = "sha256:" + hashlib.sha256(first.encode() + b"\n" + rfc8785.dumps(HOP)).hexdigest()
    assert block.links == (first, second)


@pytest.mark.parametrize("change", [
    {"credits": [{"name": "Somebody else"}]}, {"embargo": None}, {"origin": {"by": "finder.example", "id": "F-8"}}, {"added": 1},
    {"deduplication": []},
])
def test_block_that_was_altered_before_a_hop_that_said_what_it_was_given_is_refused(change: dict[str, Any]) -> None:
    block = parse_block(rendered(), POLICY)
    longer = json.loads(append_hop(block, render_hop(Hop("b.example", "hid_x", ("routing",), (), "2026-11-02", block.links[-1]))))
    with pytest.raises(AlteredBlock, match="hop 2"):
        parse_block(json.dumps(longer | change).encode(), POLICY)


@pytest.mark.parametrize(("raw", "said"), [
    (b"", "no JSON"), (b"[]", "a JSON object"), (b'"x"', "a JSON object"), (b"\xff\xfe{}", "no JSON"), (b'{"credits": NaN}', "no JSON"),
    (b'{"a": 1, "a": 1}', "twice"), (b'{"x": "\\ud800"}', "no JSON"), (b'{"x": 1' + b"0" * 5000 + b"}", "no JSON"),
    (b'{"x": 9007199254740993}', "no JSON"), (b"[" * 100_000 + b"]" * 100_000, "no JSON"), (b'{"x":' + b"[" * 40 + b"]" * 40 + b"}", "deeper"),
    (b'{"x": "' + b'\\"' * 100_000 + b"}", "no JSON"), (b" " * 300_000, "at most"),
    (rendered(credits="Ada"), "credits"), (rendered(credits=[{"name": "x" * 501}]), "name"), (rendered(chain=[{"by": 1}]), "chain"),
    (rendered(chain=[HOP, HOP]), "twice"), (rendered(chain=[HOP | {"handling_id": str(n)} for n in range(20)]), "hops"),
    (rendered(chain=[HOP | {"functions": ["verdict"]}]), "functions"), (rendered(chain=[HOP | {"functions": [[]]}]), "functions"),
    (rendered(origin={"by": "x", "id": "a\nb"}), "origin"), (rendered(embargo=[]), "embargo"),
    (rendered(credits=[{"name": "Model", "kind": "ai", "type": "finder"}]), "tool"),
    (rendered(credits=[{"name": "Dev", "type": "remediation developer"}]), "type"),
    (rendered(chain=[HOP | {"received": "sha256:" + "0" * 64}]), "altered"),
])
def test_hostile_block_is_refused_with_what_is_wrong(raw: bytes, said: str) -> None:
    with pytest.raises((Invalid, AlteredBlock), match=said):
        parse_block(raw, POLICY)


@given(st.binary(max_size=300) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(Invalid, AlteredBlock):
        parse_block(raw, POLICY)


@pytest.mark.parametrize(("envelope", "said"), [
    (b"{}", "no envelope"), (b"[" * 200_000, "no envelope"), (b'{"format":"x","report":{},"provenance":{}}', "format"),
    (b'{"format":"clearinghouse-relay-1","report":{"finding":{"title":"x"}},"provenance":' + b"[" * 5000 + b"]" * 5000 + b"}", "no"),
    (b'{"format":"clearinghouse-relay-1","report":{},"provenance":%s}' % rendered(), "one report"),
    (b'{"format":"clearinghouse-relay-1","report":{"document":"e30=","finding":{}},"provenance":%s}' % rendered(), "one report"),
    (b'{"format":"clearinghouse-relay-1","report":{"document":"%%%%"},"provenance":%s}' % rendered(), "base64"),
    (b'{"format":"clearinghouse-relay-1","report":{"finding":{},"source":"sarif"},"provenance":%s}' % rendered(), "document"),
    (b'{"format":"clearinghouse-relay-1","report":{"finding":{}},"hardening":{"by":"x","handling_id":"y"},"provenance":%s}' % rendered(),
     "exactly one"),
])
def test_hostile_envelope_is_refused_with_what_is_wrong(envelope: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse_envelope(envelope, POLICY)


def test_envelope_carries_the_block_byte_for_byte() -> None:
    handed = parse_envelope(render_envelope(Finding(title="Overflow"), rendered(), None), POLICY)
    assert (handed.block.raw, handed.source, json.loads(handed.report)) == (rendered(), "ndjson", handed_finding())


def handed_finding() -> Any:
    """What the title above becomes on its line."""
    from clearinghouse.disclosure.intake.sources.ndjson import render_finding

    return json.loads(json.dumps(render_finding(Finding(title="Overflow"))))
