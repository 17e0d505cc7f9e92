"""Where rooms are kept: the only SQL of this capability, one module a noun.

Every text is sealed under the case's own key, bound to the id of its object. A `Room` is how a viewer's right to read
travels: `cases.find_room` alone makes one, on the grants that count as the viewer's, and every other read takes it.
"""

from clearinghouse.disclosure.coordination.rooms.store import (
    cases,
    documents,
    imports,
    participants,
    tables,
    threads,
    vulnerabilities,
)

__all__ = ["cases", "documents", "imports", "participants", "tables", "threads", "vulnerabilities"]
