"""Looking for canaries where they must not be: files, databases, dumps, logs, what is packed or encoded in them, and texts from outside.

It says where, in which form and of which item, and never prints a canary. Belongs here: reading bytes in their many forms, within bounds. Does not
belong here: whose canaries may be known (`custody/`), and what follows on a find (`packs.actions.retire_items`).
"""

from clearinghouse.evaluation.benchmarks.scanning.canaries import Canaries, Sighting, find_marked
from clearinghouse.evaluation.benchmarks.scanning.places import Scan, scan_paths

__all__ = ["Canaries", "Scan", "Sighting", "find_marked", "scan_paths"]
