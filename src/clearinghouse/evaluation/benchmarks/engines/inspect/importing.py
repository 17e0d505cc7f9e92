"""A log of Inspect's that was made elsewhere, read in a venue of its own into plain records; its bytes are hostile and are parsed nowhere else."""

import io
import os
import threading
import zipfile

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.evaluation.benchmarks.engines.inspect.venue import Venue, start

LOG_BYTES_MAX = 256 << 20
_UNPACKED_BYTES_MAX = 1 << 30
_MEMBERS_MAX = 100_000
_RECORDS_BYTES_MAX = 64 << 20
_MEMORY_BYTES, _CPU_SECONDS, _WALL_SECONDS = 4 << 30, 120, 180.0


def read_log(venue: Venue, untrusted_log: bytes) -> bytes:
    """The records of a log as JSON, still untrusted: what the other side said of itself, in a form that can be held against a plan.

    Raises:
        Invalid: it is no log, unpacks to more than is taken, or took longer to read than it may.
        Unavailable: there is no room for it.
    """
    check_archive(untrusted_log)
    given = os.memfd_create("log", os.MFD_CLOEXEC)  # never on a disk
    try:
        with os.fdopen(os.dup(given), "wb") as file:
            file.write(untrusted_log)
        os.lseek(given, 0, os.SEEK_SET)
        return _read(venue, given)
    finally:
        os.close(given)


def check_archive(untrusted_log: bytes) -> None:
    """Nothing, if the archive says of itself that it can be unpacked within bounds; the reader's own bounds hold whatever it says.

    Raises:
        Invalid: it is no such archive, or says that it is larger.
    """
    if len(untrusted_log) > LOG_BYTES_MAX:
        raise Invalid(f"a log has at most {LOG_BYTES_MAX} bytes; this one has {len(untrusted_log)}")
    try:
        with zipfile.ZipFile(io.BytesIO(untrusted_log)) as archive:
            sizes = [info.file_size for info in archive.infolist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Invalid("this is no log of Inspect's (.eval): it is no archive") from None
    if len(sizes) > _MEMBERS_MAX or sum(sizes) > _UNPACKED_BYTES_MAX:
        raise Invalid(f"this log unpacks to {sum(sizes)} bytes in {len(sizes)} parts; {_UNPACKED_BYTES_MAX} in {_MEMBERS_MAX} are taken")


def _read(venue: Venue, given: int) -> bytes:
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    try:
        running, _ = start(venue, ["reading", "log"], given=given, stdout=write_end, cpu_seconds=_CPU_SECONDS, memory_bytes=_MEMORY_BYTES)
    except OSError as error:
        os.close(read_end)
        raise Unavailable(f"the reader of logs cannot be started: {error.strerror}") from None
    finally:
        os.close(write_end)
    timer = threading.Timer(_WALL_SECONDS, running.kill)
    timer.start()
    said = bytearray()
    try:
        with os.fdopen(read_end, "rb") as reader:
            while (chunk := reader.read(1 << 16)) and len(said) <= _RECORDS_BYTES_MAX:
                said += chunk
    finally:
        timer.cancel()
        code = running.wait(1.0)
        running.kill()
    if code != 0 or len(said) > _RECORDS_BYTES_MAX:
        raise Invalid("this log cannot be read: it is damaged, of a version this engine does not know, or larger than it says")
    return bytes(said)
