"""One kind of transaction over SQLite or PostgreSQL, migrations, and sealing at rest.

Belongs here: opening a database, the rule that a write leaves an event, the schema's versions,
and the envelope under which bodies are sealed. Does not belong here: any table's meaning; each
capability declares its own tables in its `store.py`, the only place with SQL.
"""

from clearinghouse.storage.database import Database, Transaction, UnloggedWrite
from clearinghouse.storage.schema import metadata
from clearinghouse.storage.sealing import Envelope, SealedBody

__all__ = ["Database", "Envelope", "SealedBody", "Transaction", "UnloggedWrite", "metadata"]
