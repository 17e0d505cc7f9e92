"""What pages are handed that no view gives as it is: plain values, made by the handlers, drawn by the templates.

Every text in here may come from outside; templates escape it. Instants are UTC.
"""

from clearinghouse.web.pages.accounts import Account, PasskeyLine, SessionLine
from clearinghouse.web.pages.instance import Administration, Check, GlassLine, Home, LeafLine, LedgerPage, PartyLine, PolicyLine
from clearinghouse.web.pages.packets import ComparedRow, Packet, SeverityLine, compared_rows, packet_of, place_words
from clearinghouse.web.pages.receipts import ReceiptItemLine, Sent, StatusPage
from clearinghouse.web.pages.rooms import (
    Cell,
    EmbargoClock,
    Flaw,
    MatrixRow,
    Proposal,
    Room,
    RoomDecision,
    RoomDocument,
    RoomLine,
    RoomMessage,
    RoomParticipant,
    RoomReport,
    RoomThread,
    TimelineEntry,
    TimetableRow,
)
from clearinghouse.web.pages.vendors import Asked, Project, ToAct

__all__ = [
    "Account", "Administration", "Asked", "Cell", "Check", "ComparedRow", "EmbargoClock", "Flaw", "GlassLine", "Home",
    "LeafLine", "LedgerPage", "MatrixRow", "Packet", "PartyLine", "PasskeyLine", "PolicyLine", "Project", "Proposal",
    "ReceiptItemLine", "Room", "RoomDecision", "RoomDocument", "RoomLine", "RoomMessage", "RoomParticipant", "RoomReport",
    "RoomThread", "Sent", "SessionLine", "SeverityLine", "StatusPage", "TimelineEntry", "TimetableRow", "ToAct",
    "compared_rows", "packet_of", "place_words",
]
