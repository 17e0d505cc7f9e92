"""Traffic Light Protocol 2.0 labels, in order of how narrow they are (FIRST, August 2022)."""

from enum import StrEnum


class Tlp(StrEnum):
    """A TLP 2.0 label as the standard spells it."""

    CLEAR = "CLEAR"
    GREEN = "GREEN"
    AMBER = "AMBER"
    AMBER_STRICT = "AMBER+STRICT"
    RED = "RED"


_TLP1 = {"WHITE": Tlp.CLEAR}


def parse_tlp(untrusted_label: str) -> Tlp | None:
    """The label of a text such as `TLP:WHITE` or `amber+strict`; None where it is none.

    TLP 1.0's WHITE, still mandatory in CSAF 2.0, is CLEAR.
    """
    cleaned = untrusted_label.strip().upper().removeprefix("TLP:").replace("_", "+").replace(" ", "+")
    if cleaned in _TLP1:
        return _TLP1[cleaned]
    return Tlp(cleaned) if cleaned in set(Tlp) else None
