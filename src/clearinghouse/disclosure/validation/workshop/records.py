"""What the workshop makes."""

from dataclasses import dataclass, field

from clearinghouse.core.errors import Conflict


class Stopped(Conflict):
    """We were asked to stop; what was done is in the cache, and the same call goes on from there."""


@dataclass(frozen=True, slots=True)
class Build:
    """What building left."""

    key: str
    """`sha256:HEX` over sources, patches, steps, flags, driver and tools: the same key, the same build."""
    ok: bool
    stage: str
    """Where it ended: `built`, or what did not work: `unpack`, `apply`, `compile`, `collect`, `limits`, `no run`."""
    artefact: bytes = field(default=b"", repr=False)
    """Tar archive of the folder of the build: plain files, sorted, without owners and times."""
    instrumented: bool = False
    """Whether the program holds the sanitizer it was to be built with."""
    toolchain: str = ""
    """Digests of the programs that built it."""
    untrusted_log: bytes = field(default=b"", repr=False)
    note: str = ""
