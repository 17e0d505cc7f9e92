"""The salted finding hash of Scrutineer's federation, for its users' `POST /claim-check`. Pure.

    sha256(salt NUL repository NUL location NUL weaknesses)

The repository's URL lower case without a trailing `/` and `.git`; the path as in the repository, lower case with `/`, without a
line; the weaknesses sorted, upper case, joined by commas. Whoever has the salt can try every file and weakness there is: that is
how it was made, and why the blind check exists.
"""

import hashlib
import re

from clearinghouse.disclosure.intake.records import Finding

_POSITION = re.compile(r":\d+(?:[-:]\d+)?$")
_HASHES_MAX = 64
HASH = re.compile(r"[0-9a-f]{64}")


def claim_hash(salt: bytes, repository: str, location: str, weaknesses: tuple[str, ...]) -> bytes:
    """The hash, 32 bytes."""
    listed = ",".join(sorted({weakness.strip().upper() for weakness in weaknesses if weakness.strip()}))
    parts = (salt, _repository(repository).encode(), _location(location).encode(), listed.encode())
    return hashlib.sha256(b"\0".join(parts)).digest()


def claim_hashes(salt: bytes, finding: Finding) -> tuple[bytes, ...]:
    """The hashes of a finding, one for each file it points at; none where it names no repository or no file."""
    if not finding.repository:
        return ()
    places = dict.fromkeys(location.path for location in finding.locations if location.path)
    return tuple(claim_hash(salt, finding.repository, place, finding.weaknesses) for place in list(places)[:_HASHES_MAX])


def _repository(url: str) -> str:
    return url.strip().lower().removesuffix("/").removesuffix(".git").removesuffix("/")


def _location(path: str) -> str:
    lines = path.strip().splitlines()
    return _POSITION.sub("", lines[0].strip() if lines else "").replace("\\", "/").lower()
