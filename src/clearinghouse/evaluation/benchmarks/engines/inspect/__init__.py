"""Inspect as an engine: pinned, in an environment of its own, in a namespace whose only ways out are two sockets to us.

This process imports nothing of it. It asks us for prompts, for the model's answers and for every tool call; it holds no key of the gateway, no item's files, no
grader, and what it writes down comes back as bytes. Everything that decides how a sample ended is seen on our side of the sockets, as for our own engine.

Does not belong here: what our engine does too (`engines/results.py`, `engines/client.py`).
"""

from clearinghouse.evaluation.benchmarks.engines.inspect.engine import InspectEngine
from clearinghouse.evaluation.benchmarks.engines.inspect.venue import Venue, find_venue

__all__ = ["InspectEngine", "Venue", "find_venue"]
