"""Exit codes, and how each family of error ends a command.

    0  done
    1  a mistake of ours: please report it
    2  the command line was not understood
    3  something handed in is not as it must be (Invalid)
    4  nothing by that name that you may see (NotFound)
    5  you may not do that (NotPermitted)
    6  the state of things forbids it now (Conflict)
    7  something needed is not there: key, database, disk (Unavailable)
    8  done in part: some files or items were refused, the rest is kept
  130  interrupted; run the same command again and it goes on
"""

from clearinghouse.core.errors import ClearinghouseError, Conflict, Invalid, NotFound, NotPermitted, Unavailable

DONE, MISTAKE, USAGE, PARTLY, INTERRUPTED = 0, 1, 2, 8, 130

_FAMILIES: tuple[tuple[type[ClearinghouseError], int], ...] = (
    (Invalid, 3), (NotFound, 4), (NotPermitted, 5), (Conflict, 6), (Unavailable, 7),
)


def exit_code(error: ClearinghouseError) -> int:
    """The exit code of an error's family."""
    return next((code for family, code in _FAMILIES if isinstance(error, family)), MISTAKE)
