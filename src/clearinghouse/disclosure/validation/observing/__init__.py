"""Observing: from what a sandbox saw to one word for a run, and one for a run done several times."""
