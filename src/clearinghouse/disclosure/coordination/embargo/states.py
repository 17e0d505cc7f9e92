"""The state machines of the embargo, each one table; the documents draw the same tables.

From CERT/CC's Vultron protocol: embargo management (EM), participant embargo consent, and case state (CS). Rows that
say "ours" are not in Vultron. Left out on purpose: consent that lapses into declined by silence, for nobody is bound
here without a word, and nothing is gained by putting one into a silent party's mouth.
"""

from enum import StrEnum
from itertools import product

from clearinghouse.core.terms import Milestone
from clearinghouse.disclosure.coordination.embargo.records import Consent, EmbargoState, ExitReason, Facts
from clearinghouse.disclosure.coordination.rooms.states import Transition

_EM, _PEC, _CS, _OURS = "Vultron EM", "Vultron PEC", "Vultron CS", "ours"
_ANYONE, _COORDINATOR, _TIMER = ("participant", "coordinator"), ("coordinator",), ("coordinator", "timer")
_E = EmbargoState

EMBARGO_TRANSITIONS: tuple[Transition, ...] = (
    Transition("propose", _E.NONE, _E.PROPOSED, _ANYONE, _EM),
    Transition("propose", _E.PROPOSED, _E.PROPOSED, _ANYONE, _EM),
    Transition("agree", _E.PROPOSED, _E.ACTIVE, _ANYONE, _EM),
    Transition("reject", _E.PROPOSED, _E.NONE, _ANYONE, _EM),
    Transition("propose", _E.ACTIVE, _E.REVISE, _ANYONE, _EM),
    Transition("propose", _E.REVISE, _E.REVISE, _ANYONE, _EM),
    Transition("agree", _E.REVISE, _E.ACTIVE, _ANYONE, _EM),
    Transition("reject", _E.REVISE, _E.ACTIVE, _ANYONE, _EM),
    Transition("end", _E.ACTIVE, _E.EXITED, _TIMER, _EM),
    Transition("end", _E.REVISE, _E.EXITED, _TIMER, _EM),
    # Terms of a policy bind without any agreement, so there is something to end here too.
    Transition("end", _E.NONE, _E.EXITED, _TIMER, _OURS),
    Transition("end", _E.PROPOSED, _E.EXITED, _TIMER, _OURS),
)
"""The agreement of a case on its embargo."""

CONSENT_TRANSITIONS: tuple[Transition, ...] = (
    Transition("invite", Consent.NONE, Consent.INVITED, _ANYONE, _PEC),
    Transition("invite", Consent.LAPSED, Consent.INVITED, _ANYONE, _PEC),
    Transition("invite", Consent.DECLINED, Consent.INVITED, _ANYONE, _PEC),
    Transition("accept", Consent.NONE, Consent.SIGNATORY, _ANYONE, _PEC),
    Transition("accept", Consent.INVITED, Consent.SIGNATORY, _ANYONE, _PEC),
    Transition("accept", Consent.LAPSED, Consent.SIGNATORY, _ANYONE, _PEC),
    Transition("accept", Consent.DECLINED, Consent.SIGNATORY, _ANYONE, _OURS),
    Transition("decline", Consent.NONE, Consent.DECLINED, _ANYONE, _PEC),
    Transition("decline", Consent.INVITED, Consent.DECLINED, _ANYONE, _PEC),
    Transition("decline", Consent.LAPSED, Consent.DECLINED, _ANYONE, _PEC),
    Transition("withdraw", Consent.SIGNATORY, Consent.DECLINED, _ANYONE, _OURS),
    Transition("revise", Consent.SIGNATORY, Consent.LAPSED, _COORDINATOR, _PEC),
    *(Transition("end", state, Consent.NONE, _TIMER, _PEC) for state in (Consent.INVITED, Consent.SIGNATORY, Consent.LAPSED, Consent.DECLINED)),
)
"""One participant's consent. `revise` follows where terms are put in force that this participant has not accepted, as in a merge."""


class VendorPath(StrEnum):
    """What one vendor knows and has done: aware, fix ready, fix deployed; a capital letter means yes."""

    UNAWARE = "vfd"
    AWARE = "Vfd"
    FIX_READY = "VFd"
    FIX_DEPLOYED = "VFD"


class PublicState(StrEnum):
    """What the world knows: the flaw, an exploit, attacks; a capital letter means yes."""

    NOTHING = "pxa"
    ATTACKS = "pxA"
    PUBLIC = "Pxa"
    PUBLIC_ATTACKS = "PxA"
    PUBLIC_EXPLOIT = "PXa"
    ALL = "PXA"


VENDOR_TRANSITIONS: tuple[Transition, ...] = (
    Transition("tell vendor", VendorPath.UNAWARE, VendorPath.AWARE, _ANYONE, _CS),
    Transition("fix ready", VendorPath.AWARE, VendorPath.FIX_READY, _ANYONE, _CS),
    Transition("fix deployed", VendorPath.FIX_READY, VendorPath.FIX_DEPLOYED, _ANYONE, _CS),
)
"""The first half of the case state, one for each vendor. A step cannot be left out: a vendor fixes what it knows of."""

_MARKS = {"publish": (0, "P"), "publish exploit": (1, "X"), "see attacks": (2, "A")}


def _world() -> tuple[Transition, ...]:
    found = []
    for state, (verb, (place, letter)) in product(PublicState, _MARKS.items()):
        if state[place] == letter:
            continue
        after = state[:place] + letter + state[place + 1:]
        # Who publishes an exploit has published the flaw: Vultron's pX leads to PX alone, and is one step here.
        after = "P" + after[1:] if after[1] == "X" else after
        found.append(Transition(verb, state, PublicState(after), _COORDINATOR, _CS))
    return tuple(found)


PUBLIC_TRANSITIONS: tuple[Transition, ...] = _world()
"""The second half of the case state, one for the whole case. Nothing leads back: what happened has happened."""

CONSEQUENCES: dict[str, str] = {
    "propose": "every participant is invited to answer; the one who proposes has accepted",
    "agree": "all who were asked have accepted: the instant binds with rank d, and moves other clocks as far as their holders allow",
    "reject": "somebody declined and no other proposal waits: what was agreed before stands",
    "end": "nobody is bound any more, open proposals lapse, every consent is reset, all participants are told; it never comes back",
    "tell vendor": "clocks that count from telling the vendor start",
    "fix ready": "clocks that count from the fix start; the regulator's final report falls due where exploitation is known",
    "fix deployed": "none for the embargo: what is deployed may stay quiet until the instant that binds",
    "publish": "the embargo ends for all, whoever published; vendors count as aware",
    "publish exploit": "the same, for an exploit tells the flaw",
    "see attacks": "the embargo ends for all, and the clocks of regulators start",
}
"""What follows on a step, beyond the state itself."""

EXIT_OF: dict[Milestone, ExitReason] = {
    Milestone.PUBLIC: ExitReason.PUBLIC, Milestone.EXPLOIT_PUBLIC: ExitReason.EXPLOIT_PUBLIC,
    Milestone.EXPLOITED_KNOWN: ExitReason.EXPLOITED_KNOWN,
}
_PATH = ((Milestone.VENDOR_CONTACTED, VendorPath.AWARE), (Milestone.FIX_READY, VendorPath.FIX_READY), (Milestone.FIX_DEPLOYED, VendorPath.FIX_DEPLOYED))


def vendor_path(facts: Facts, vendor: str) -> VendorPath:
    """How far one vendor has come; a vendor knows at least what the public knows."""
    found = VendorPath.AWARE if Milestone.PUBLIC in facts.at or Milestone.EXPLOIT_PUBLIC in facts.at else VendorPath.UNAWARE
    for milestone, state in _PATH:
        if facts.when(milestone, vendor) is not None:
            found = state
    return found


def public_state(facts: Facts) -> PublicState:
    """What the world knows."""
    exploit = Milestone.EXPLOIT_PUBLIC in facts.at
    public = exploit or Milestone.PUBLIC in facts.at
    return PublicState(("P" if public else "p") + ("X" if exploit else "x") + ("A" if Milestone.EXPLOITED_KNOWN in facts.at else "a"))
