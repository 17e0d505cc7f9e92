"""What a relay decides: what a hop may do and end, what is a mirror, what was altered, whose word a verdict is."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from clearinghouse.core.clock import render_instant
from clearinghouse.core.errors import Conflict, Invalid, NotPermitted
from clearinghouse.core.ids import PartyId, ReportId
from clearinghouse.core.marks import Marks
from clearinghouse.core.policy import RelayPolicy
from clearinghouse.core.tlp import parse_tlp
from clearinghouse.core.untrusted import clean_line, clean_text
from clearinghouse.disclosure.intake.provenance.records import (
    AlteredBlock,
    Block,
    Class,
    EndReason,
    HardeningRef,
    Hop,
    HopFunction,
    Judged,
    Known,
    MirrorBasis,
    Status,
    Step,
    StepKind,
    Verdict,
)
from clearinghouse.disclosure.intake.records import Credit, Finding

ENDABLE: dict[HopFunction, frozenset[EndReason]] = {
    HopFunction.ROUTING: frozenset({EndReason.OUT_OF_SCOPE, EndReason.UNREACHABLE}),
    HopFunction.ASSESSMENT: frozenset(),
    HopFunction.DEDUPLICATION: frozenset({EndReason.DUPLICATE}),
    HopFunction.BOOKKEEPING: frozenset({EndReason.WITHDRAWN, EndReason.PUBLIC, EndReason.OWNER_DECIDED, EndReason.HARDENED}),
}
"""What each function lets a hop end. An assessment ends nothing: that a report is no vulnerability is for the owner to say."""

_NO_PERSON = frozenset({"ai", "ai-system", "agent", "bot", "model", "program", "scanner", "software", "tool"})
_BOT_NAME = re.compile(r"\[bot\]\s*$", re.IGNORECASE)
_ISSUE = re.compile(r"https://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?/[!-~]{1,1800}")
FINDER_ROLES = frozenset({"finder", "reporter", "analyst", "coordinator", "sponsor", "tool", "other"})
"""CVE's credit types but those of whoever mends the code, whom the owner credits."""
_STATEMENT_CHARACTERS_MAX = 4_000
_REFERENCE_CHARACTERS_MAX = 2_000
_NAME_CHARACTERS_MAX = 200
_CREDIT_CHARACTERS_MAX = 500  # as the schema of a block has it


def functions_of(policy: RelayPolicy) -> tuple[HopFunction, ...]:
    """What this instance does as a hop."""
    return tuple(function for function in HopFunction if getattr(policy, function.value))


def endable(functions: Collection[HopFunction]) -> tuple[EndReason, ...]:
    """For which reasons a hop of these functions may end the handling itself."""
    allowed = {reason for function in functions for reason in ENDABLE[function]}
    return tuple(reason for reason in EndReason if reason in allowed)


def own_hop(name: str, safe_id: str, received: str, policy: RelayPolicy, now: datetime) -> Hop:
    """The hop this instance adds to a chain."""
    functions = functions_of(policy)
    return Hop(name, safe_id, functions, endable(functions), render_instant(now), received)


def credit_role(untrusted_type: str, untrusted_kind: str, untrusted_name: str) -> str:
    """The credit type of somebody on the finder's side: `tool` for whatever is no person, whatever it is called in the block."""
    no_person = untrusted_kind.strip().lower() in _NO_PERSON or _BOT_NAME.search(untrusted_name)
    return "tool" if no_person else untrusted_type


def finder_credits(finding: Finding, most: int) -> tuple[Credit, ...]:
    """Whom a block that begins here credits: the finder's side as the report names it, and what it used as a `tool`."""
    people = [
        Credit(credit.name[:_CREDIT_CHARACTERS_MAX], credit_role(credit.role or "finder", "", credit.name))
        for credit in finding.credits if credit.name and (not credit.role or credit.role in FINDER_ROLES)
    ]
    named = dict.fromkeys(name[:_CREDIT_CHARACTERS_MAX] for name in (finding.producer.model, finding.producer.tool) if name)
    return (*[Credit(name, "tool") for name in named], *people)[:most]


def counted_once(reporters: Mapping[ReportId, PartyId], mirrors: Mapping[ReportId, ReportId]) -> dict[ReportId, PartyId]:
    """Reports with who counts as their finder: a mirror of another of them counts as that one's."""
    return {report: reporters.get(mirrors.get(report, report), reporter) for report, reporter in reporters.items()}


def judge(
    block_links: Sequence[str], block_hops: Sequence[str], *, envelope: str, origin_hash: str, content: str, sender: str,
    known: Sequence[Known], direct: str,
) -> Judged:
    """How an arrival stands to what is held already.

    Args:
        block_links: keyed hashes of the block's links; one more than it has hops.
        block_hops: keyed hashes of its hops.
        known: everything held with the same origin, the same content, or one of our own handling identifiers in the chain.
        direct: the first report with the same content that came without any relay; empty where there is none.
    Raises:
        AlteredBlock: this sender told the past differently before, or left out of it, or our own part of it was altered.
    """
    for held in known:
        if held.sender == sender and held.envelope == envelope:
            return Judged(Class.KNOWN_TO_YOU, held)
    _check_own_hops(block_links, block_hops, known)
    disputed = False
    for held in known:
        if held.origin_hash == origin_hash and not grew(held, block_links, block_hops):
            if held.sender == sender:
                raise AlteredBlock(
                    "this block tells its past differently from what you sent before under the same origin: credits, embargo terms, "
                    "references and earlier hops stay as they are, and a chain only grows"
                )
            disputed = True
    same_route = next((
        held for held in known if held.sender == sender and held.origin_hash == origin_hash and held.links == tuple(block_links)
    ), None)
    if same_route is not None:
        # The same route again: in another spelling it is what we hold, with another content it is kept beside it.
        return Judged(Class.KNOWN_TO_YOU, same_route if same_route.content == content else None, disputed=disputed)
    first = min((
        held for held in known if (held.origin_hash == origin_hash or held.content == content) and held.links != tuple(block_links)
    ), key=lambda held: (held.received_at, held.id), default=None)
    if first is not None:
        return Judged(Class.MIRROR, None, first.id, _basis(first, origin_hash, content), disputed)
    if direct:
        return Judged(Class.MIRROR, None, direct, MirrorBasis.CONTENT, disputed)
    return Judged(Class.NEW, disputed=disputed)


def grew(held: Known, links: Sequence[str], hops: Sequence[str]) -> bool:
    """Whether a block may stand beside one that is held: wherever both name a hop, everything before it is the same.

    A block that is the beginning of the held one lost hops, which no chain does.
    """
    if links[0] != held.links[0]:
        return False
    if len(links) < len(held.links) and held.links[: len(links)] == tuple(links):
        return False
    places = {hop: number for number, hop in enumerate(held.hops)}
    return all(
        places[hop] == number and held.links[number + 1] == links[number + 1] for number, hop in enumerate(hops) if hop in places
    )


def status_of(steps: Sequence[Step]) -> Status:
    """What became of a relayed report, from what happened in order."""
    status = Status("received")
    for step in steps:
        match step.kind:
            case StepKind.ASSESSED:
                status = replace(status, state="assessed", assessed_at=step.at)
            case StepKind.VERDICT:
                status = replace(status, verdict=step)
            case StepKind.HARDENING:
                status = replace(status, hardening=step.responsible)
            case StepKind.ENDED:
                status = replace(status, state="ended", ended=step)
    return status


def check_open(status: Status) -> None:
    """Raise Conflict where the handling has ended."""
    if status.ended is not None:
        raise Conflict(f"the handling of this report ended here ({status.ended.word}); nothing follows after that")


def check_may_assess(hop: Hop) -> None:
    """Raise NotPermitted unless assessing is what this hop does."""
    if HopFunction.ASSESSMENT not in hop.functions:
        raise NotPermitted("this hop does not assess reports; it said so in its part of the chain, which stays as it is")


def check_may_end(hop: Hop, reason: EndReason, status: Status) -> None:
    """Raise unless this hop may end the handling for that reason.

    Raises:
        NotPermitted: the hop did not take that upon itself; the verdict on the code is its owner's alone.
        Conflict: what the reason rests on is not on record.
    """
    if reason not in hop.may_end:
        raise NotPermitted(f"this hop may end the handling for {', '.join(hop.may_end) or 'no reason'}; {reason} is for another hop or for the owner")
    if reason is EndReason.OWNER_DECIDED and (status.verdict is None or status.verdict.word == Verdict.UNDER_INVESTIGATION):
        raise Conflict("the owner has given no verdict yet; record it first")
    owed = status.hardening is not None and not status.hardening.public_issue
    said = status.verdict is not None and status.verdict.word == Verdict.HARDENING
    if (reason is EndReason.HARDENED or said or owed) and (status.hardening is None or not status.hardening.public_issue):
        raise Conflict("a hardening ends in a public issue: record which hop is responsible, and the issue's address")


def check_owner(owner: str, reference: str, *, speaks_for: Collection[str], is_vendor: bool, hops: Collection[str]) -> None:
    """Raise unless a verdict is its owner's: given by the vendor itself, or passed on with where it said so.

    Args:
        speaks_for: names of whoever hands the verdict in, of its organisation and of this instance.
        hops: names of the coordinators in the chain.
    Raises:
        NotPermitted: a hop would give a verdict of its own, or a vendor one in another's name.
        Invalid: it is not said where the owner said so.
    """
    own = owner.casefold() in {name.casefold() for name in speaks_for}
    if is_vendor:
        if not own:
            raise NotPermitted("a vendor gives its own verdict; a coordinator passes on those of others")
        return
    if own or owner.casefold() in {name.casefold() for name in hops}:
        raise NotPermitted("the verdict belongs to whoever owns the code; a hop passes it on and makes none")
    if not reference:
        raise Invalid("say where the owner gave this verdict: a message id or an address")


def check_hardening(status: Status, asked: HardeningRef, *, ours: str, known: Collection[str]) -> None:
    """Raise unless this is the one responsible hop, a hand-over by it, or its end.

    Args:
        ours: our own handling identifier.
        known: the handling identifiers of the chain, ours included; another hop than these is the next one.
    Raises:
        Conflict: another hop is responsible, or the hardening has ended.
        Invalid: the public issue is no https address, or the hop has no name.
    """
    now = status.hardening
    if now is not None and now.public_issue:
        raise Conflict("this hardening has ended in a public issue")
    if now is not None and asked.handling_id != now.handling_id and now.handling_id != ours:
        raise Conflict("another hop is responsible for this hardening; only that hop can hand it over")
    if now is not None and asked.handling_id != now.handling_id and asked.handling_id in known:
        raise Conflict("a hardening is handed on, not back; it goes to the next hop")
    if not asked.by or not asked.handling_id:
        raise Invalid("name the responsible hop and its handling identifier; there is exactly one")
    if asked.public_issue and _ISSUE.fullmatch(asked.public_issue) is None:
        raise Invalid("a hardening ends in a public issue; its address begins with https://")


def parse_statement(untrusted_text: str) -> str:
    """Words beside a step, cleaned."""
    return clean_text(untrusted_text, _STATEMENT_CHARACTERS_MAX).strip()


def parse_reference(untrusted_text: str) -> str:
    """Where something can be read, on one line."""
    return clean_line(untrusted_text, _REFERENCE_CHARACTERS_MAX)


def parse_owner(untrusted_name: str) -> str:
    """The name of whoever owns the code.

    Raises:
        Invalid: nothing readable is left of it.
    """
    name = clean_line(untrusted_name, _NAME_CHARACTERS_MAX)
    if not name:
        raise Invalid("name the owner of the code whose verdict this is")
    return name


def marks_of(finding: Finding) -> Marks:
    """The marks a report leaves under: what its sender asked for, and what an instance assumes where it said nothing."""
    asked = parse_tlp(finding.tlp)
    return Marks(asked or Marks().tlp, no_training=finding.consents.train_models is not True)


def to_pass_on(finding: Finding) -> Finding:
    """A finding as it goes to the next hop: all of it, less a name its sender keeps back."""
    if finding.consents.share_name is not False:
        return finding
    return replace(finding, reporter="", credits=(), producer=replace(finding.producer, reviewer=""))


def block_hop_names(block: Block) -> frozenset[str]:
    """Names of the coordinators in a chain."""
    return frozenset(hop.by for hop in block.chain)


def _basis(held: Known, origin_hash: str, content: str) -> MirrorBasis:
    if held.origin_hash == origin_hash:
        return MirrorBasis.BOTH if held.content == content else MirrorBasis.ORIGIN
    return MirrorBasis.CONTENT


def _check_own_hops(links: Sequence[str], hops: Sequence[str], known: Sequence[Known]) -> None:
    """What left here comes back as it left."""
    ours = {held.own_hash: held for held in known}
    for number, hop in enumerate(hops):
        held = ours.get(hop)
        if held is not None and links[number + 1] != held.own_link:
            raise AlteredBlock("this block passed here before and was altered since: up to our own hop it must be what left here")
