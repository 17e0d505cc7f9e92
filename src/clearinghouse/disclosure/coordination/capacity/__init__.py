"""Capacity: what reaches a vendor, in which order and how much of it, as its charter says.

Belongs here: the queue before a vendor, caps, forecasts, what a vendor answers. Does not belong here: what a charter
may say (`parties/charters`), how a packet looks (`app/views/packet.py`), or carrying it over (`app`).

What each answer does to the cap and to the place in hand:

| Answer | Weekly token | Place in hand | The item |
|---|---|---|---|
| accept, decline, not a vulnerability | stays spent | freed | leaves the queue; a changed mind may follow |
| ask for more | stays spent | kept | stays with the vendor; what is supplied costs no token |
| wait until | stays spent | freed | queues again from that instant and costs another token then |
| none, and a coordinator withdraws it | stays spent | freed | leaves the queue |
| none for `slot_days` | stays spent | lapses | stays with the vendor; silence is for `contact` |
"""

from clearinghouse.disclosure.coordination.capacity.records import (
    Delivery,
    Facts,
    Forecast,
    Item,
    Packet,
    Reply,
    ReplyKind,
    State,
    Waiting,
)

__all__ = ["Delivery", "Facts", "Forecast", "Item", "Packet", "Reply", "ReplyKind", "State", "Waiting"]
