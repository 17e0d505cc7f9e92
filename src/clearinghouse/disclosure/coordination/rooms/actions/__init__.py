"""What rooms do: one function a verb, each in the caller's transaction and with its event.

`read_document` alone takes the database: the event of the reading is committed before a byte is opened.
"""

from clearinghouse.disclosure.coordination.rooms.actions.bundles import export_case, import_case
from clearinghouse.disclosure.coordination.rooms.actions.cases import (
    attach_report,
    close_case,
    detach_report,
    edit_case,
    mark_case,
    open_case,
    read_packet,
    reinstate_report,
    reopen_case,
    withdraw_report,
)
from clearinghouse.disclosure.coordination.rooms.actions.decisions import record_decision, undo_decision
from clearinghouse.disclosure.coordination.rooms.actions.documents import add_document, read_document, withdraw_document
from clearinghouse.disclosure.coordination.rooms.actions.entering import check_not_erased, coordinate, enter, take_part
from clearinghouse.disclosure.coordination.rooms.actions.erasure import (
    confirm_erasure,
    hold_case,
    list_erasures,
    release_case,
    request_erasure,
)
from clearinghouse.disclosure.coordination.rooms.actions.participants import (
    accept_invitation,
    change_tier,
    decline_case,
    decline_invitation,
    hand_over,
    invite,
    leave,
    move_report_state,
    remove_participant,
)
from clearinghouse.disclosure.coordination.rooms.actions.threads import (
    add_member,
    list_messages,
    mark_read,
    open_thread,
    post_message,
    remove_member,
)
from clearinghouse.disclosure.coordination.rooms.actions.vulnerabilities import (
    add_vulnerability,
    change_vulnerability,
    read_statements,
    remove_vulnerability,
    restore_vulnerability,
    state_status,
)

__all__ = [
    "accept_invitation",
    "add_document",
    "add_member",
    "add_vulnerability",
    "attach_report",
    "change_tier",
    "change_vulnerability",
    "check_not_erased",
    "close_case",
    "confirm_erasure",
    "coordinate",
    "decline_case",
    "decline_invitation",
    "detach_report",
    "edit_case",
    "enter",
    "export_case",
    "hand_over",
    "hold_case",
    "import_case",
    "invite",
    "leave",
    "list_erasures",
    "list_messages",
    "mark_case",
    "mark_read",
    "move_report_state",
    "open_case",
    "open_thread",
    "post_message",
    "read_document",
    "read_packet",
    "read_statements",
    "record_decision",
    "reinstate_report",
    "release_case",
    "remove_member",
    "remove_participant",
    "remove_vulnerability",
    "reopen_case",
    "request_erasure",
    "restore_vulnerability",
    "state_status",
    "take_part",
    "undo_decision",
    "withdraw_document",
    "withdraw_report",
]
