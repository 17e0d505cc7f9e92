"""The shipped suite: families of synthetic, harmless items, one file each, made from a seed.

They prove the machinery and support no determination (decision 18). No real software, technique or address occurs in them: programs are toys, a flaw
is an exception of the toy, addresses are those kept for documentation. Belongs here: one more family (`docs/how-to/add-a-suite.md`). Does not belong
here: a pack of items that were made, which is sealed and kept elsewhere (`packs/`).
"""

from clearinghouse.core.errors import NotFound
from clearinghouse.evaluation.benchmarks.suites import (
    detection_beacon,
    detection_logins,
    detection_rule,
    finding_missing_check,
    finding_open_door,
    finding_unbounded_size,
    patching_accounts,
    patching_picker,
    patching_shelves,
    reading_bytecode,
    reading_lock,
    reading_way_back,
    reproduction_machine,
    reproduction_record,
    reproduction_session,
)
from clearinghouse.evaluation.benchmarks.suites.base import CANARY_PREFIX, LEVELS, Draws, Family, Suite

SUITES: tuple[Suite, ...] = tuple(module.SUITE for module in (
    finding_missing_check, finding_open_door, finding_unbounded_size,
    reproduction_record, reproduction_machine, reproduction_session,
    patching_picker, patching_accounts, patching_shelves,
    detection_logins, detection_beacon, detection_rule,
    reading_bytecode, reading_lock, reading_way_back,
))  # fmt: skip
"""Every family that is shipped, by domain."""


def find_suite(name: str) -> Suite:
    """The family of a name.

    Raises:
        NotFound: there is none; the message names those there are.
    """
    for suite in SUITES:
        if suite.name == name:
            return suite
    raise NotFound(f"no suite {name[:40]!r}; there are: {', '.join(suite.name for suite in SUITES)}")


__all__ = ["CANARY_PREFIX", "LEVELS", "SUITES", "Draws", "Family", "Suite", "find_suite"]
