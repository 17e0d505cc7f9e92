"""What a relay decides, for every order of what may come."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.disclosure.intake.provenance import rules
from clearinghouse.disclosure.intake.provenance.records import (
    AlteredBlock,
    Class,
    EndReason,
    HardeningRef,
    Hop,
    HopFunction,
    Judged,
    Known,
    MirrorBasis,
    RelayId,
    Status,
    Step,
    StepKind,
    Verdict,
)
from clearinghouse.disclosure.intake.records import Consents, Credit, Finding, Producer

AT = datetime(2026, 11, 21, tzinfo=UTC)
OURS = "hid_ours"


def known(links: str = "0A", hops: str = "A", sender: str = "B", content: str = "c", origin: str = "o", minutes: int = 0) -> Known:
    """A relay that is held; each letter stands for a hop or a link."""
    at = AT + timedelta(minutes=minutes)
    return Known(
        RelayId(f"rly_{links}{sender}"), ReportId(f"rep_{content}"), PartyId(sender), at, f"env{links}{content}{sender}", origin, content,
        tuple(hops), tuple(links), "own" + links, "ownlink" + links,
    )


def judge(links: str, hops: str, *held: Known, sender: str = "B", content: str = "c", origin: str = "o", envelope: str = "", direct: str = "") -> Judged:
    """How an arrival stands to what is held."""
    return rules.judge(
        tuple(links), tuple(hops), envelope=envelope, origin_hash=origin, content=content, sender=sender, known=held, direct=direct
    )


def test_first_report_is_new() -> None:
    assert judge("0A", "A") == Judged(Class.NEW)


def test_same_bytes_are_answered_by_what_is_held() -> None:
    held = known()
    assert judge("0A", "A", held, envelope=held.envelope) == Judged(Class.KNOWN_TO_YOU, held)


def test_same_route_in_another_spelling_is_known_to_its_sender() -> None:
    held = known()
    assert judge("0A", "A", held, envelope="other") == Judged(Class.KNOWN_TO_YOU, held)


def test_same_route_with_another_content_is_kept_beside_it() -> None:
    assert judge("0A", "A", known(), content="d") == Judged(Class.KNOWN_TO_YOU, None)


@pytest.mark.parametrize(("origin", "content", "basis"), [
    ("o", "c", MirrorBasis.BOTH), ("o", "d", MirrorBasis.ORIGIN), ("p", "c", MirrorBasis.CONTENT),
])
def test_same_report_by_another_route_is_a_mirror_of_the_first(origin: str, content: str, basis: MirrorBasis) -> None:
    first, second = known("0X", "X", "D"), known("0Y", "Y", "E", minutes=1)
    assert judge("0A", "A", second, first, origin=origin, content=content) == Judged(Class.MIRROR, None, first.id, basis)


def test_report_that_came_directly_before_makes_a_mirror() -> None:
    assert judge("0A", "A", direct="rep_d") == Judged(Class.MIRROR, None, "rep_d", MirrorBasis.CONTENT)


def test_longer_chain_of_the_same_sender_is_another_route() -> None:
    held = known()
    assert judge("0AC", "AC", held) == Judged(Class.MIRROR, None, held.id, MirrorBasis.BOTH)


@pytest.mark.parametrize(("links", "hops"), [
    ("1AB", "AB"), ("0", ""), ("0A", "A"), ("0XB", "AB"), ("0YW", "YB"), ("0B", "B"), ("0BA", "BA"), ("0AZX", "AXB"),
], ids=["rest altered", "all hops lost", "own hop lost", "first hop altered", "first hop exchanged", "first hop lost", "order", "put between"])
def test_past_told_differently_by_the_same_sender_is_refused(links: str, hops: str) -> None:
    with pytest.raises(AlteredBlock, match="only grows"):
        judge(links, hops, known("0AB", "AB"))


def test_past_told_differently_by_another_sender_is_kept_and_marked() -> None:
    """A refusal would tell a stranger what is held, and let one who lies first keep out one who does not."""
    held = known("0AB", "AB", sender="D")
    assert judge("0XB", "AB", held) == Judged(Class.MIRROR, None, held.id, MirrorBasis.BOTH, disputed=True)


def test_block_that_left_here_comes_back_as_it_left() -> None:
    held = known(sender="D")
    back = ("0", "A", held.own_link, "E")
    judged = rules.judge(
        back, ("A", held.own_hash, "E"), envelope="", origin_hash="o", content="c", sender="E", known=[held], direct=""
    )
    assert judged.as_class is Class.MIRROR
    with pytest.raises(AlteredBlock, match="what left here"):
        rules.judge(
            ("0", "X", "other", "E"), ("A", held.own_hash, "E"), envelope="", origin_hash="p", content="d", sender="E", known=[held], direct=""
        )


@given(st.text("ABC", max_size=4), st.text("ABC", max_size=4))
def test_chain_that_grew_holds_the_held_one_or_parts_from_it_for_good(one: str, other: str) -> None:
    """Chains of distinct hops whose links cover all before: two may stand side by side unless one rewrote a shared hop's past."""
    one, other = ("".join(dict.fromkeys(text)) for text in (one, other))
    links = [[text[:end] for end in range(len(text) + 1)] for text in (one, other)]
    held = known()
    held = Known(held.id, held.report_id, held.sender, AT, "", "o", "c", tuple(one), tuple(links[0]), "", "")
    shared = set(one) & set(other)
    same_past = all(one[: one.index(hop)] == other[: other.index(hop)] for hop in shared)
    lost = len(other) < len(one) and one.startswith(other)
    assert rules.grew(held, links[1], other) == (same_past and not lost)


def test_functions_say_what_a_hop_may_end_and_an_assessment_ends_nothing() -> None:
    assert rules.endable([HopFunction.ASSESSMENT]) == ()
    assert rules.endable([HopFunction.ROUTING, HopFunction.DEDUPLICATION]) == (EndReason.OUT_OF_SCOPE, EndReason.UNREACHABLE, EndReason.DUPLICATE)
    assert set(rules.endable(list(HopFunction))) == set(EndReason)


def _step(kind: StepKind, word: str, responsible: HardeningRef | None = None) -> Step:
    return Step(kind, AT, PartyId("pty_x"), word, responsible=responsible)


def test_end_needs_what_it_rests_on() -> None:
    all_of_it = Hop("us", OURS, tuple(HopFunction), rules.endable(list(HopFunction)))
    routing = Hop("us", OURS, (HopFunction.ROUTING,), rules.endable([HopFunction.ROUTING]))
    with pytest.raises(NotPermitted, match="out_of_scope, unreachable"):
        rules.check_may_end(routing, EndReason.DUPLICATE, Status("received"))
    with pytest.raises(Conflict, match="no verdict"):
        rules.check_may_end(all_of_it, EndReason.OWNER_DECIDED, Status("received"))
    looking = rules.status_of([_step(StepKind.VERDICT, Verdict.UNDER_INVESTIGATION)])
    with pytest.raises(Conflict, match="no verdict"):
        rules.check_may_end(all_of_it, EndReason.OWNER_DECIDED, looking)
    rules.check_may_end(all_of_it, EndReason.OWNER_DECIDED, rules.status_of([_step(StepKind.VERDICT, Verdict.FIXED)]))
    harden = _step(StepKind.VERDICT, Verdict.HARDENING)
    with pytest.raises(Conflict, match="public issue"):
        rules.check_may_end(all_of_it, EndReason.OWNER_DECIDED, rules.status_of([harden]))
    done = rules.status_of([harden, _step(StepKind.HARDENING, "this hop", HardeningRef("us", OURS, "https://x.example/1"))])
    rules.check_may_end(all_of_it, EndReason.HARDENED, done)
    with pytest.raises(Conflict, match="nothing follows"):
        rules.check_open(rules.status_of([_step(StepKind.ENDED, EndReason.PUBLIC)]))


def test_verdict_is_its_owners() -> None:
    def check(owner: str, reference: str = "mid:1", *, is_vendor: bool = False) -> None:
        rules.check_owner(owner, reference, speaks_for=["Example CERT", "Operator"], is_vendor=is_vendor, hops=["a.example"])

    check("Acme")
    check("Example CERT", "", is_vendor=True)
    for owner in ("example cert", "a.example", "A.EXAMPLE"):
        with pytest.raises(NotPermitted, match="belongs to whoever owns"):
            check(owner)
    with pytest.raises(NotPermitted, match="its own verdict"):
        check("Acme", is_vendor=True)
    with pytest.raises(Invalid, match="message id"):
        check("Acme", "")


def test_one_hop_is_responsible_for_a_hardening() -> None:
    def check(before: HardeningRef | None, asked: HardeningRef) -> None:
        rules.check_hardening(Status("received", hardening=before), asked, ours=OURS, known={OURS, "A-1"})

    ours, theirs, following = HardeningRef("us", OURS), HardeningRef("a", "A-1"), HardeningRef("c", "C-1")
    for asked in (ours, theirs, following):
        check(None, asked)
    check(ours, following)
    check(theirs, HardeningRef("a", "A-1", "https://x.example/issues/1"))
    for before, asked, said in (
        (theirs, ours, "another hop is responsible"), (following, ours, "another hop is responsible"), (ours, theirs, "not back"),
        (HardeningRef("us", OURS, "https://x.example/1"), following, "has ended"),
    ):
        with pytest.raises(Conflict, match=said):
            check(before, asked)
    for bad in ("http://x.example/1", "javascript:alert(1)", "https://x.example/a b", "https://"):
        with pytest.raises(Invalid, match="https"):
            check(ours, HardeningRef("us", OURS, bad))


def test_mirror_counts_as_the_finder_of_the_first() -> None:
    one, other, third = (ReportId(f"rep_{name}") for name in "abc")
    parties = {one: PartyId("p1"), other: PartyId("p2"), third: PartyId("p3")}
    assert rules.counted_once(parties, {other: one}) == {one: "p1", other: "p1", third: "p3"}
    assert rules.counted_once({other: PartyId("p2")}, {other: one}) == {other: "p2"}


def test_credits_of_a_block_that_begins_here_are_the_finders() -> None:
    finding = Finding(
        credits=(Credit("Ada"), Credit("Bob", "remediation developer"), Credit("renovate[bot]", "finder"), Credit("Eve", "analyst")),
        producer=Producer(tool="scan", model="model-1"),
    )
    assert rules.finder_credits(finding, 9) == (
        Credit("model-1", "tool"), Credit("scan", "tool"), Credit("Ada", "finder"), Credit("renovate[bot]", "tool"), Credit("Eve", "analyst")
    )
    kept_back = rules.to_pass_on(Finding(reporter="Ada", credits=(Credit("Ada"),), consents=Consents(share_name=False)))
    assert (kept_back.reporter, kept_back.credits) == ("", ())
