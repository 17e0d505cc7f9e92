"""The table `[sandbox]` of the settings, as the record that the sandbox is opened with."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from clearinghouse.core.errors import Invalid
from clearinghouse.sandbox import Guard, SandboxSettings
from clearinghouse.sandbox.opening import KINDS

_SLOTS_MAX = 256
_UID_LEAST, _UID_MOST = 1000, 2**31 - 1 - _SLOTS_MAX


def parse_sandbox(table: Any, path: Path) -> SandboxSettings:
    """How this machine runs what others wrote.

    Raises:
        Invalid: a name is unknown, or a value is not of its kind.
    """
    known = [field.name for field in fields(SandboxSettings)]
    if not isinstance(table, dict) or set(table) - set(known):
        raise Invalid(f"{path}: [sandbox] knows {', '.join(known)}")
    found = SandboxSettings()
    kind, slots, first_uid = table.get("kind", found.kind), table.get("slots", found.slots), table.get("first_uid", found.first_uid)
    cgroup, required = table.get("cgroup", found.cgroup), table.get("required", sorted(found.required))
    if kind not in KINDS:
        raise Invalid(f"{path}: [sandbox] kind must be one of {', '.join(KINDS)}; found {str(kind)[:40]!r}")
    if type(slots) is not int or not 0 <= slots <= _SLOTS_MAX:
        raise Invalid(f"{path}: [sandbox] slots must be a whole number up to {_SLOTS_MAX}, 0 for one a processor; found {str(slots)[:40]!r}")
    if type(first_uid) is not int or not _UID_LEAST <= first_uid <= _UID_MOST:
        raise Invalid(f"{path}: [sandbox] first_uid must be the number of a user that nobody is, from {_UID_LEAST}; found {str(first_uid)[:40]!r}")
    if cgroup is not None and (not isinstance(cgroup, str) or not cgroup.startswith("/") or ".." in cgroup.split("/")):
        raise Invalid(f"{path}: [sandbox] cgroup must be the path of a cgroup as /proc/self/cgroup shows it; found {str(cgroup)[:80]!r}")
    if not isinstance(required, list) or not all(guard in tuple(Guard) for guard in required):
        raise Invalid(f"{path}: [sandbox] required must be a list of {', '.join(Guard)}")
    return SandboxSettings(kind, slots, first_uid, cgroup, frozenset(map(Guard, required)))
