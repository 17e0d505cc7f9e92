"""Drivers: the bench's own side of a harness. They run inside, beside code that may do anything, so what they print is a claim too;
what it is worth says the trust tier.

Each reads the files it is given, hands every one to the code under test, and at last prints
`CLEARINGHOUSE END <word of this run> edges=<count>`; with `--canary` it crashes on purpose, which shows that the build notices crashes.
"""

import hashlib
from functools import cache
from importlib import resources

from clearinghouse.disclosure.validation.recipes.records import HarnessKind, Language

_FILES = {
    (HarnessKind.FUNCTION, Language.C): "driver.c", (HarnessKind.FUNCTION, Language.CXX): "driver.c",
    (HarnessKind.MODULE, Language.PYTHON): "driver.py", (HarnessKind.MODULE, Language.NODE): "driver.js",
}
CANARY_FUNCTION = "clearinghouse_canary"


@cache
def driver_of(kind: HarnessKind, language: Language) -> tuple[str, bytes] | None:
    """File name and bytes of the driver for a harness; None where the program is started by itself."""
    name = _FILES.get((kind, language))
    if name is None:
        return None
    return name, (resources.files("clearinghouse.disclosure.validation.drivers") / name).read_bytes()


def driver_digest(kind: HarnessKind, language: Language) -> str:
    """`sha256:HEX` of the driver; empty where there is none."""
    found = driver_of(kind, language)
    return "" if found is None else "sha256:" + hashlib.sha256(found[1]).hexdigest()
