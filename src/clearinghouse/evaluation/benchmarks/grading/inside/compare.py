"""The judge: holds what the probe saw (`/in/seen`) against `/in/expected` and writes PASS or FAIL. It runs nothing that was handed in."""

import json
from typing import Any


def main() -> None:
    """Write the verdict, and in a second line how many cases held."""
    with open("/in/expected", encoding="utf-8") as file:
        expected = json.load(file)
    with open("/in/seen", encoding="utf-8") as file:
        seen = read(file.read())
    held = sum(holds(case, one) for case, one in zip(expected, seen, strict=False))
    passed = len(seen) == len(expected) and held == len(expected)
    with open("/out/grade", "w", encoding="utf-8") as file:
        file.write(f"{'PASS' if passed else 'FAIL'}\n{held} of {len(expected)} cases as expected\n")


def read(untrusted_seen: str) -> list[Any]:
    """What was seen, case by case; nothing where it is not in the form the probe writes."""
    try:
        seen = json.loads(untrusted_seen)
    except (ValueError, RecursionError):
        return []
    return seen if isinstance(seen, list) else []


def holds(expected: dict[str, Any], seen: object) -> bool:
    """Whether one case went as expected."""
    if not isinstance(seen, dict) or seen.get("cut") != "":
        return False
    if expected["error"] is not None and seen.get("error") != expected["error"]:
        return False
    return expected["out"] is None or plain(seen.get("out")) == plain(expected["out"])


def plain(text: object) -> list[str]:
    """A text without white space at the end of lines and without empty lines at its end."""
    return "\n".join(line.rstrip() for line in str(text).splitlines()).rstrip().split("\n")


if __name__ == "__main__":
    main()
