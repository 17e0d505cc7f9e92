"""The embargo of a case on a page: the countdown, whose clock says what, conflicts, consents, proposals, duties, and what-if.

A viewer is told of parties as in the case room: who is hidden there is hidden here, in words, counts and lists alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from clearinghouse.app.views.case_room import NOT_NAMED
from clearinghouse.app.wiring import Instance, policy_of
from clearinghouse.core.terms import RANK_WORDS, Milestone, Rank, Terms
from clearinghouse.disclosure.coordination.embargo.actions import read_situation
from clearinghouse.disclosure.coordination.embargo.calendar import render_in
from clearinghouse.disclosure.coordination.embargo.gathering import Situation
from clearinghouse.disclosure.coordination.embargo.records import (
    Change,
    ConflictKind,
    Consent,
    DutyRow,
    DutyState,
    Embargo,
    EmbargoState,
    ExitReason,
    LeakState,
    ProposalState,
    Timetable,
    TimetableState,
    WhatIf,
)
from clearinghouse.disclosure.coordination.embargo.rules import MILESTONE_WORDS, compute_timetable
from clearinghouse.disclosure.coordination.embargo.scenarios import describe_difference
from clearinghouse.disclosure.coordination.embargo.scenarios import what_if as suppose
from clearinghouse.disclosure.coordination.embargo.states import public_state, vendor_path
from clearinghouse.disclosure.coordination.embargo.store import embargoes
from clearinghouse.disclosure.coordination.rooms import rules
from clearinghouse.disclosure.coordination.rooms.actions import enter
from clearinghouse.disclosure.coordination.rooms.records import CaseRole, Room
from clearinghouse.disclosure.coordination.rooms.store import participants
from clearinghouse.parties import store as parties
from clearinghouse.parties.records import Tier
from clearinghouse.storage import Transaction


@dataclass(frozen=True, slots=True)
class ClockLine:
    """One holder's clock."""

    id: str
    holder: str
    source: str
    rank: Rank
    terms: str
    """What the holder says, in words."""
    started_at: datetime | None
    at: datetime | None
    at_words: str
    """The instant in UTC and in the holder's zone; `no end` or what it waits for."""
    binds: bool
    why: str


@dataclass(frozen=True, slots=True)
class DutyLine:
    """Something owed beside the embargo."""

    id: str
    holder: str
    """Whom it binds: the vendor by name where a law puts it on vendors that say they are under it."""
    what: str
    source: str
    state: DutyState
    at: datetime | None
    words: str
    regime: str = ""
    """The law, where it is owed under one."""


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One participant's word."""

    name: str
    mine: bool
    consent: Consent


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """An instant proposed to the participants."""

    id: str
    ends_at: datetime
    asked_at: datetime
    by: str
    note: str
    state: ProposalState
    accepted: int
    """Of those the viewer is told of."""
    needed: int
    asked: bool
    """Whether the viewer's word is still wanted."""


@dataclass(frozen=True, slots=True)
class FactLine:
    """A milestone as recorded."""

    id: str
    milestone: Milestone
    at: datetime
    of: str
    by: str
    note: str
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class LeakLine:
    """Something of the case seen elsewhere."""

    id: str
    state: LeakState
    seen_at: datetime
    by: str
    where: str


@dataclass(frozen=True, slots=True)
class EmbargoClock:
    """What a page shows of the embargo of one case."""

    case_id: str
    now: datetime
    state: EmbargoState
    timetable: TimetableState
    ends_at: datetime | None
    ends_words: str
    """In UTC, and in the zone of whoever bound it."""
    seconds_left: int | None
    """Until the binding instant; negative after it."""
    rank: Rank | None
    rank_words: str
    bound_by: str
    words: str
    exited_at: datetime | None
    exit_reason: ExitReason | None
    clocks: tuple[ClockLine, ...] = ()
    conflicts: tuple[str, ...] = ()
    duties: tuple[DutyLine, ...] = ()
    details: tuple[tuple[str, datetime], ...] = ()
    """Holder, and until when it keeps details back."""
    consents: tuple[ConsentLine, ...] = ()
    proposals: tuple[ProposalLine, ...] = ()
    facts: tuple[FactLine, ...] = ()
    leaks: tuple[LeakLine, ...] = ()
    vendors: tuple[tuple[str, str], ...] = ()
    """Name and `vfd` state of each vendor."""
    world: str = ""
    """What the world knows: `pxa`."""
    may: frozenset[str] = frozenset()
    """`propose`, `answer`, `leak`, `record`, `terms`, `exit`."""


def read_embargo(instance: Instance, case_id: str) -> EmbargoClock:
    """The embargo of a case, if the viewer may see the case.

    Raises:
        NotFound: there is none that the viewer may see.
    """
    now = instance.clock.now()
    room = _enter(instance, case_id, now)
    with instance.read() as tx:
        found, named = _gather(tx, room, now)
        leaks = embargoes.list_leaks(tx, room) if room.standing.tier >= Tier.ROOM else []
    timetable = named.shown(compute_timetable(found.facts, found.terms, now, found.duties))
    embargo, standing = found.embargo, room.standing
    clock = EmbargoClock(
        room.id, now, embargo.state, timetable.state, timetable.ends_at,
        "" if timetable.ends_at is None else render_in(timetable.ends_at, timetable.zone),
        None if timetable.ends_at is None else int((timetable.ends_at - now).total_seconds()), timetable.rank,
        "" if timetable.rank is None else RANK_WORDS[timetable.rank], "" if timetable.binding is None else timetable.binding.terms.holder,
        timetable.words, embargo.exited_at, embargo.exit_reason, may=_may(room, embargo),
    )
    if standing.tier < Tier.SUMMARY:
        # Dates and nothing else: not whose they are, for a holder's name can tell what the case is about.
        return replace(clock, bound_by="", words="", may=frozenset())
    whole = standing.tier >= Tier.ROOM and not standing.only_reports
    present = [one.party for one in found.present if one.party not in named.hidden]
    return replace(
        clock, clocks=_clocks(timetable), conflicts=tuple(one.words for one in timetable.conflicts), duties=_duties(timetable),
        details=tuple((row.terms.holder, row.at) for row in timetable.details),
        consents=tuple(
            ConsentLine(named.of(party), party in standing.parties, found.consents.get(party, Consent.NONE)) for party in present
        ),
        proposals=_proposals(room, found, named),
        facts=tuple(
            FactLine(one.id, one.milestone, one.at, named.of(one.party) if one.party else "", named.of(one.actor), one.note, one.withdrawn_at)
            for one in found.recorded
        ) if whole else (),
        leaks=tuple(
            LeakLine(one.id, one.state, one.seen_at, named.of(one.reported_by), one.where)
            for one in leaks if whole or one.reported_by in standing.parties
        ),
        vendors=tuple((named.of(one.party), str(vendor_path(found.facts, one.party))) for one in found.present
                      if one.role is CaseRole.VENDOR and one.party not in named.hidden),
        world=str(public_state(found.facts)),
    )


def ask_what_if(instance: Instance, case_id: str, change: Change) -> WhatIf:
    """What a change would do to the timetable of a case; nothing is stored and nobody is told.

    Raises:
        NotFound: there is no case that the viewer may see.
        Invalid: the change lacks its instant or party.
    """
    now = instance.clock.now()
    room = _enter(instance, case_id, now)
    with instance.read() as tx:
        found, named = _gather(tx, room, now)
    rules.check_tier(room.standing, Tier.SUMMARY, "what-if")
    supposed = suppose(found.facts, found.terms, change, now, found.duties)
    before, after = named.shown(supposed.before), named.shown(supposed.after)
    return WhatIf(before, after, describe_difference(before, after))


def known_terms(instance: Instance, case_id: str) -> tuple[Terms, ...]:
    """The terms of the policy a case began under, to choose from.

    Raises:
        NotFound: there is no case that the viewer may see.
    """
    room = _enter(instance, case_id, instance.clock.now())
    with instance.read() as tx:
        return policy_of(tx, room.case.policy_version).terms


@dataclass(frozen=True, slots=True)
class _Named:
    """What parties are called to one viewer, and which are hidden."""

    names: Mapping[str, str]
    hidden: frozenset[str]

    def of(self, party: str) -> str:
        return NOT_NAMED if party in self.hidden else self.names.get(party, NOT_NAMED)

    def shown(self, timetable: Timetable) -> Timetable:
        """The timetable with names for ids, and without what would tell of hidden parties."""
        kept = []
        for one in timetable.conflicts:
            if one.kind is ConflictKind.NOT_BOUND and one.between[0] in self.hidden:
                continue
            if one.kind is ConflictKind.EXTENSION_ASKED and self.hidden:
                # How many were asked would tell how many there are.
                kept.append(replace(one, words=one.words.partition(":")[0] + ": not everybody has accepted it"))
                continue
            kept.append(replace(one, words=self._worded(one.words)))
        return replace(
            timetable, conflicts=tuple(kept), tell=tuple(party for party in timetable.tell if party not in self.hidden),
            clocks=tuple(replace(clock, terms=self._without_party(clock.terms)) for clock in timetable.clocks),
            details=tuple(replace(row, terms=self._without_party(row.terms)) for row in timetable.details),
            duties=tuple(self._bound(row) for row in timetable.duties if row.party not in self.hidden),
        )

    def masked(self, terms: Terms, number: int) -> Terms:
        """Terms whose holder must not be told: the dates stay, for they bind the viewer too; whose they are goes."""
        if terms.party not in self.hidden:
            return terms
        return replace(terms, id=f"not-named-{number}", holder=NOT_NAMED, source="", why="")

    def _without_party(self, terms: Terms) -> Terms:
        return replace(terms, party="") if terms.party in self.hidden else terms

    def _bound(self, row: DutyRow) -> DutyRow:
        if not row.party:
            return row
        return replace(row, duty=replace(row.duty, holder=f"{self.of(row.party)}, {row.duty.holder}"))

    def _worded(self, words: str) -> str:
        for party, name in self.names.items():
            if party in words:
                words = words.replace(party, NOT_NAMED if party in self.hidden else name)
        return words


def _enter(instance: Instance, case_id: str, now: datetime) -> Room:
    with instance.read() as tx:
        return enter(tx, case_id, envelope=instance.envelope, viewer=instance.actor.id, now=now)


def _gather(tx: Transaction, room: Room, now: datetime) -> tuple[Situation, _Named]:
    """All of it, to compute with; what of it is shown, the callers decide.

    Not behind the second wall: a viewer read in to the dates alone is shown the true date, which follows from what it may not read.
    """
    with tx.beyond_wall():
        embargo = embargoes.find_embargo(tx, room) or Embargo("", room.id, EmbargoState.NONE, False, None, None)
        found = read_situation(tx, room, embargo, policy_of, now)
        everybody = participants.system_participants(tx, room.id)
    hidden = frozenset(str(party) for party in rules.hidden_parties(everybody, room.standing))
    wanted = {one.party for one in everybody} | {one.actor for one in found.recorded} | {one.asked_by for one in found.proposals}
    known = parties.name_parties(tx, sorted(wanted))
    # A person of a hidden organisation is as hidden as the organisation.
    hidden |= {party for party, (_, organisation) in known.items() if organisation in hidden}
    named = _Named({party: name for party, (name, _) in known.items()}, hidden)
    # Before anything is worded: a charter's holder is a party of the case, and dates may be told where names may not.
    return replace(found, terms=tuple(named.masked(one, number) for number, one in enumerate(found.terms, 1))), named


def _clocks(timetable: Timetable) -> tuple[ClockLine, ...]:
    lines = []
    for clock in timetable.clocks:
        terms = clock.terms
        if clock.instant is not None:
            at_words = render_in(clock.instant, terms.zone)
        else:
            at_words = "no end" if clock.started_at is not None else "waits"
        lines.append(ClockLine(
            terms.id, terms.holder, terms.source, terms.rank, describe_terms(terms), clock.started_at, clock.instant, at_words, clock.binds, clock.why
        ))
    return tuple(lines)


def describe_terms(terms: Terms) -> str:
    """What terms say, in one line."""
    if terms.ends_at is not None:
        return f"until {render_in(terms.ends_at, terms.zone)}"
    first = "no end" if terms.open_ended else f"{terms.days} days after {MILESTONE_WORDS[terms.start]}"
    more: list[tuple[Callable[[], str], object]] = [
        (lambda: f"{terms.grace_days} more if the fix comes within them", terms.grace_days),
        (lambda: f"{terms.exploited_days} if exploitation is suspected", terms.exploited_days is not None),
        (lambda: f"at most {terms.days_max}", terms.days_max),
        (lambda: "none if found with public AI tools", terms.public_ai_none),
    ]
    return "; ".join([first, *(words() for words, there in more if there)])


def _duties(timetable: Timetable) -> tuple[DutyLine, ...]:
    return tuple(
        DutyLine(row.duty.id, row.duty.holder, row.duty.what, row.duty.source, row.state, row.due_at, row.words, row.duty.regime)
        for row in timetable.duties
    )


def _proposals(room: Room, found: Situation, named: _Named) -> tuple[ProposalLine, ...]:
    lines = []
    for one in found.proposals:
        told = [answer for answer in one.answers if answer.party not in named.hidden]
        asked = one.state is ProposalState.OPEN and any(
            answer.party == room.standing.party and answer.accepted is None for answer in one.answers
        )
        note = one.note if room.standing.tier >= Tier.ROOM else ""
        lines.append(ProposalLine(
            one.id, one.ends_at, one.asked_at, named.of(one.asked_by), note, one.state, sum(bool(answer.accepted) for answer in told),
            len(told), asked,
        ))
    return tuple(lines)


def _may(room: Room, embargo: Embargo) -> frozenset[str]:
    if not room.standing.roles:
        return frozenset()
    may = {"leak", "record"}
    if embargo.state is not EmbargoState.EXITED:
        may |= {"propose", "answer"}
        if room.standing.coordinates:
            may.add("exit")
    if room.standing.coordinates or room.standing.roles & {CaseRole.VENDOR, CaseRole.FINDER, CaseRole.REPORTER}:
        may.add("terms")
    return frozenset(may)
