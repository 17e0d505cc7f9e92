"""Weaknesses by their CWE number."""

import re

_CWE = re.compile(r"CWE[-_ :]?(\d{1,5})", re.IGNORECASE)


def find_weaknesses(untrusted_text: str) -> tuple[str, ...]:
    """The CWE ids a text names, as `CWE-79`, in order of appearance, each once."""
    return tuple(dict.fromkeys(f"CWE-{int(number)}" for number in _CWE.findall(untrusted_text)))


def parse_weakness(untrusted_value: object) -> str | None:
    """`CWE-79` of `79`, `"79"`, `CWE-79` or `CWE-79: Cross-site ...`; None where there is no number."""
    if isinstance(untrusted_value, bool):
        return None
    if isinstance(untrusted_value, int):
        return f"CWE-{untrusted_value}" if 0 < untrusted_value < 100_000 else None
    if not isinstance(untrusted_value, str):
        return None
    text = untrusted_value.strip()
    if text.isdecimal() and len(text) <= 6 and 0 < int(text) < 100_000:
        return f"CWE-{int(text)}"
    found = find_weaknesses(text)
    return found[0] if found else None
