"""A sandbox with one guard taken away, to see that an attack succeeds without it: only then does its failure show anything."""

from collections.abc import Sequence
from pathlib import Path

from clearinghouse.sandbox.bubblewrap import BubblewrapSandbox
from clearinghouse.sandbox.cgroups import Cgroups, NoCgroups

FIRST_UID = 991_000


class Weakened(BubblewrapSandbox):
    """One slot; what is named is missing."""

    def __init__(
        self, *, without: Sequence[tuple[str, ...]] = (), instead: Sequence[str] = (), filters: bool = True, cgroups: Cgroups | None = None, user: bool = True,
        apart: bool = True,
    ) -> None:
        super().__init__(slots=1, first_uid=FIRST_UID if user else None, cgroups=cgroups or NoCgroups("taken away"))
        self._apart = apart
        self._without, self._instead = without, instead
        if not filters:
            # A filter that lets everything pass: "return SECCOMP_RET_ALLOW", twice.
            self._filters = (bytes.fromhex("0600000000 00ff7f".replace(" ", "")),) * 2

    def _options(self) -> list[str]:
        told = super()._options()
        for words in self._without:
            at = next(index for index in range(len(told)) if tuple(told[index : index + len(words)]) == words)
            del told[at : at + len(words)]
        end = told.index("--chdir")  # after the last place
        return [*told[:end], *self._instead, *told[end:]]


def host_folder(tmp_name: str) -> Path:
    """A folder that everybody may write to, outside /tmp: a slot has a /tmp of its own."""
    folder = Path("/var/tmp", tmp_name)
    folder.mkdir()
    folder.chmod(0o777)
    return folder
