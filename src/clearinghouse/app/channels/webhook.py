"""A webhook's delivery: ids and kinds of event, signed; the receiver asks for the rest with its own rights.

The form is Standard Webhooks 1.0. The id is that of the notice and the same at each attempt, so a receiver
that has seen it answers and does no more.
"""

import json
from datetime import datetime

from clearinghouse.app.channels.base import Refused, Unreachable
from clearinghouse.app.channels.outward import Outward
from clearinghouse.core.clock import render_instant
from clearinghouse.parties.notices.records import Hook, Notice
from clearinghouse.parties.notices.rules import sign_delivery

_GONE = 410


class ReceiverGone(Refused):
    """The receiver says that nobody listens there any more (HTTP 410)."""


def render_body(notice: Notice) -> bytes:
    """What is posted: what happened to which object, and nothing of its content."""
    data = {"about": notice.about} | ({"thread": notice.thread} if notice.thread else {})
    return json.dumps(
        {"type": notice.kind, "timestamp": render_instant(notice.created_at), "data": data}, separators=(",", ":")
    ).encode()


def deliver(outward: Outward, hook: Hook, notice: Notice, *, now: datetime) -> bytes:
    """The body that the receiver took.

    Raises:
        ReceiverGone: it wants no more of them.
        Refused: its address is not called by this instance.
        Unreachable: it did not take it this time.
    """
    body = render_body(notice)
    answer = outward.post(hook.url, body, sign_delivery(notice.id, now, body, hook.secrets))
    if answer.status == _GONE:
        raise ReceiverGone("the receiver of a webhook says it is gone")
    if not 200 <= answer.status < 300:
        raise Unreachable(f"the receiver of a webhook answered {answer.status}")
    return body
