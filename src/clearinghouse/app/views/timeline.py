"""What happened in a case, in words: the events about it, as far as the viewer is told of them."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clearinghouse.disclosure.coordination.rooms.records import Room
from clearinghouse.ledger.store import LoggedEvent
from clearinghouse.parties.records import Tier

_BETWEEN = re.compile(r"(?<=[a-z])(?=[A-Z])")

# To everybody who knows of the case at all.
_DATES = {"CaseOpened", "CaseClosed", "CaseReopened", "CaseWithdrawn"}
# To whom the summary is shown.
_SUMMARY = {
    "ParticipantInvited", "ParticipantJoined", "ParticipantLeft", "ParticipantRemoved", "InvitationDeclined", "CaseDeclined",
    "LeadHandedOver", "ReportStateChanged", "VulnerabilityAdded", "VulnerabilityChanged", "VulnerabilityRemoved",
    "VulnerabilityRestored", "VendorStatusStated", "CaseEdited", "MarksChanged",
}
_ROOM = {"ReportAttached", "ReportDetached", "ReportWithdrawn", "ReportReinstated", "DecisionRecorded", "CaseDecisionUndone",
         "DocumentAdded", "DocumentWithdrawn", "MaterialAdded", "ValidationAsked", "ValidationBegun", "ReportValidated", "ValidationFailed",
         "ValidationCancelled", "ValidationResumed"}
# To a mere reporter; what is about itself or its report comes beside these.
_REPORTER = _DATES | {"MarksChanged", "VulnerabilityAdded", "VulnerabilityChanged", "VendorStatusStated", "LeadHandedOver"}

_WORDS = {
    "CaseOpened": "opened the case",
    "CaseClosed": "closed the case",
    "CaseReopened": "reopened the case",
    "CaseWithdrawn": "the case ended: its reports were withdrawn by their finders",
    "CaseErasureRequested": "asked that the case be erased",
    "CaseHeld": "put a legal hold on the case",
    "CaseReleased": "lifted the legal hold on the case",
    "CaseEdited": "changed title or summary",
    "MarksChanged": "marked the case TLP:{tlp}",
    "ReportAttached": "attached a report",
    "ReportDetached": "detached a report",
    "ReportWithdrawn": "withdrew a report",
    "ReportReinstated": "reinstated a report",
    "ParticipantInvited": "invited {subject} as {role}",
    "ParticipantJoined": "{subject} takes part as {role}",
    "ParticipantLeft": "{subject} left",
    "ParticipantRemoved": "removed {subject}",
    "InvitationDeclined": "{subject} declined the invitation",
    "CaseDeclined": "{subject} declined the case",
    "JoinDeclined": "declined somebody who asked to take part",
    "LeadHandedOver": "handed the case over to {subject}",
    "TierChanged": "changed what {subject} is shown, from tier {from} to {to}",
    "ReportStateChanged": "{subject}: {from} to {to}",
    "VulnerabilityAdded": "added a vulnerability",
    "VulnerabilityChanged": "changed a vulnerability",
    "VulnerabilityRemoved": "removed a vulnerability",
    "VulnerabilityRestored": "restored a vulnerability",
    "VendorStatusStated": "status of {last}: {status}",
    "DecisionRecorded": "recorded a decision: {kind}",
    "CaseDecisionUndone": "withdrew a decision",
    "DocumentAdded": "added a document: {kind}",
    "DocumentWithdrawn": "withdrew a document",
    "MaterialAdded": "added a material for the bench: {kind}",
    "ValidationAsked": "asked for a validation",
    "ValidationBegun": "the bench began a validation",
    "ReportValidated": "the bench judged a report: {verdict}, tier {trust}",
    "ValidationFailed": "a validation could not be judged",
    "ValidationCancelled": "cancelled a validation",
    "ValidationResumed": "resumed a validation",
    "CaseExported": "exported the case",
    "CaseImported": "imported the case",
    "ReadGranted": "let {subject} read the case, tier {tier}",
    "ReadRevoked": "ended what {subject} may read",
    "GlassBreakRequested": "asked to read the case without being named",
    "GlassBroken": "let the case be read without being named",
}


@dataclass(frozen=True, slots=True)
class EventLine:
    """One thing that happened."""

    id: str
    at: datetime
    kind: str
    words: str
    actor_name: str


def is_told(event: LoggedEvent, room: Room, own: frozenset[str]) -> bool:
    """Whether a viewer is told of an event about the case; `own` are its parties and reports."""
    standing = room.standing
    if standing.coordinates:
        return True
    mine = event.actor in own or bool(own & set(event.subjects[1:]))
    if mine or event.kind in _DATES or event.kind.startswith("Embargo"):
        return True
    if standing.only_reports:
        return event.kind in _REPORTER
    if event.kind in _SUMMARY:
        return standing.tier >= Tier.SUMMARY
    return event.kind in _ROOM and standing.tier >= Tier.ROOM


def describe(events: Sequence[LoggedEvent], name: Callable[[str], str]) -> tuple[EventLine, ...]:
    """Events as lines; `name` gives what a party is called to this viewer."""
    return tuple(EventLine(event.event_id, event.at, event.kind, _say(event, name), name(event.actor)) for event in events)


def _say(event: LoggedEvent, name: Callable[[str], str]) -> str:
    words = _WORDS.get(event.kind)
    if words is None:
        return _BETWEEN.sub(" ", event.kind).capitalize()
    details: dict[str, Any] = json.loads(event.details) if event.details else {}
    about = {
        "subject": name(event.subjects[1]) if len(event.subjects) > 1 else "", "last": name(event.subjects[-1]),
        **{key: str(value).replace("_", " ") for key, value in details.items()},
    }
    # Details of an erased event are gone; what it was stays.
    return re.sub(r"\{(\w+)\}", lambda found: about.get(found[1], "?"), words)
