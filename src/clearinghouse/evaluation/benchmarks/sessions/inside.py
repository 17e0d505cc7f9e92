"""What runs inside the sandbox for one call of a session: lays out the files of before, does the call, packs the files up.

Runs alone (`python3 -I -S /in/inside.py`) with the standard library and nothing of ours. It has no more rights than the command it starts,
which may do to it what it likes: what it hands out is believed by nobody.

Files travel as one line of JSON, `[path, kind, mode, size or target, mtime]` for each, and the bytes of the plain ones in that order. Links are
kept as links: nobody outside ever follows one. Devices, pipes and sockets are lost.
"""

import contextlib
import json
import os
import select
import signal
import stat
import subprocess
import sys
import time
from typing import Any, BinaryIO

IN, OUT, ROOT = "/in", "/out", "/"
FOLDERS = ("work", "tmp")
_CHUNK = 1 << 18
_DRAIN_SECONDS = 0.2


def unpack(source: BinaryIO, root: str) -> None:
    """Lay out files below a folder."""
    entries = json.loads(source.readline())
    later = []
    for path, kind, mode, more, changed in entries:
        place = os.path.join(root, path)
        if kind == "d":
            if path not in FOLDERS:
                os.makedirs(place, 0o700, exist_ok=True)
            later.append((place, mode, changed))
        elif kind == "l":
            os.symlink(more, place)
        else:
            with open(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as target:
                left = more
                while left and (chunk := source.read(min(left, _CHUNK))):
                    target.write(chunk)
                    left -= len(chunk)
            os.chmod(place, mode)
            os.utime(place, ns=(changed, changed))
    for place, mode, changed in reversed(later):
        os.chmod(place, mode | 0o700 if place in (os.path.join(root, name) for name in FOLDERS) else mode)
        os.utime(place, ns=(changed, changed))


def pack(target: str, root: str, bytes_max: int, files_max: int) -> str:
    """Write what is below the folders; gives an empty word, or why it is not kept."""
    entries: list[list[Any]] = []
    files: list[str] = []
    total = 0
    waiting = [(name, os.path.join(root, name)) for name in reversed(FOLDERS)]
    while waiting:
        path, place = waiting.pop()
        found = os.lstat(place)
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISDIR(found.st_mode):
            entries.append([path, "d", mode & 0o1777, 0, found.st_mtime_ns])
            if mode & 0o700 != 0o700:
                os.chmod(place, mode | 0o700)
            waiting += [(f"{path}/{name}", os.path.join(place, name)) for name in sorted(os.listdir(place), reverse=True)]
        elif stat.S_ISLNK(found.st_mode):
            entries.append([path, "l", 0, os.readlink(place), 0])
        elif stat.S_ISREG(found.st_mode):
            entries.append([path, "f", mode & 0o777, found.st_size, found.st_mtime_ns])
            files.append(place)
            total += found.st_size
            if not mode & 0o400:
                os.chmod(place, mode | 0o400)
        if total > bytes_max:
            return f"the files in /work and /tmp are larger than {bytes_max} bytes together"
        if len(entries) > files_max:
            return f"there are more than {files_max} files in /work and /tmp"
    with open(target, "wb") as out:
        out.write(json.dumps(entries).encode() + b"\n")
        sizes = iter([entry[3] for entry in entries if entry[1] == "f"])
        for place in files:
            left = next(sizes)
            with open(place, "rb") as source:
                while left and (chunk := source.read(min(left, _CHUNK))):
                    out.write(chunk)
                    left -= len(chunk)
            out.write(b"\0" * left)  # everything else is dead by now; it cannot have shrunk but by a fault of the file system
    return ""


def end_others() -> None:
    """Nothing else of this run goes on."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0]:
            pass


def run(call: dict[str, Any], output: list[bytearray]) -> dict[str, Any]:
    """Start the command, and read what it says until it ends, its time is up, or it has been silent after its end."""
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/work", "LANG": "C.UTF-8", **call["env"]}
    try:
        os.chdir("/work")
        os.chdir(call["cwd"])
    except OSError as error:
        output[1] += f"{call['cwd']}: {error.strerror}\n".encode()
        return {"exit": 127}
    pipes = [os.pipe() for _ in range(2)]
    try:
        with open(f"{IN}/stdin", "rb") as stdin:
            child = subprocess.Popen(
                call["argv"], stdin=stdin, stdout=pipes[0][1], stderr=pipes[1][1], env=environment, start_new_session=True, restore_signals=True
            )
    except PermissionError:
        return {"exit": 126, "trouble": "permission"}
    except (OSError, ValueError) as error:
        output[1] += f"{call['argv'][0]}: {getattr(error, 'strerror', None) or 'cannot be started'}\n".encode()
        return {"exit": 127}
    finally:
        for _, write_end in pipes:
            os.close(write_end)
    ends = {pipes[0][0]: output[0], pipes[1][0]: output[1]}
    poll = select.poll()
    for number in ends:
        os.set_blocking(number, False)
        poll.register(number, select.POLLIN)
    gone = os.pidfd_open(child.pid)
    poll.register(gone, select.POLLIN)
    deadline, truncated, timed_out, ended = time.monotonic() + call["seconds"], False, False, False
    while ends or not ended:
        left = deadline - time.monotonic()
        if left <= 0:
            timed_out = not ended
            break
        for number, _ in poll.poll(left * 1000):
            if number == gone:
                ended = True
                poll.unregister(gone)
                deadline = time.monotonic() + _DRAIN_SECONDS  # something it left behind may hold its output open for ever
                continue
            try:
                chunk = os.read(number, _CHUNK)
            except BlockingIOError:
                continue
            if not chunk:
                poll.unregister(number)
                os.close(number)
                del ends[number]
                continue
            room = call["output"] - len(ends[number])
            truncated = truncated or len(chunk) > room
            ends[number] += chunk[: max(0, room)]
    if timed_out:
        child.kill()
    code = child.wait()
    return {"exit": None if timed_out else code if code >= 0 else 128 - code, "timed_out": timed_out, "truncated": truncated}


def read(call: dict[str, Any], output: list[bytearray]) -> dict[str, Any]:
    """The bytes of a file."""
    os.chdir("/work")
    with open(os.open(call["path"], os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
            raise IsADirectoryError(21, "Is a directory")
        if os.fstat(file.fileno()).st_size > call["limit"]:
            return {"error": "too large"}
        output[0] += file.read(call["limit"] + 1)
    return {"error": "too large"} if len(output[0]) > call["limit"] else {}


def write(call: dict[str, Any]) -> dict[str, Any]:
    """A file with the bytes that came, and the folders it lies in."""
    os.chdir("/work")
    if os.path.dirname(call["path"]):
        os.makedirs(os.path.dirname(call["path"]), exist_ok=True)
    with open(f"{IN}/stdin", "rb") as source, open(call["path"], "wb") as target:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
    return {}


def main() -> None:
    """Do the call in `/in/call`, and leave outcome, output and files below `/out`."""
    with open(f"{IN}/call", "rb") as file:
        call = json.load(file)
    if call["state"]:
        with open(f"{IN}/state", "rb") as source:
            unpack(source, ROOT)
    os.umask(0o022)
    output = [bytearray(), bytearray()]
    try:
        done = run(call, output) if call["do"] == "exec" else read(call, output) if call["do"] == "read" else write(call)
    except OSError as error:
        done = {"error": type(error).__name__}
    end_others()
    for name in os.listdir(OUT):  # the command may have been here
        subprocess.run(["/bin/rm", "-rf", f"{OUT}/{name}"], check=False)
    done["kept"] = False
    if call["do"] != "read":
        try:
            why = pack(f"{OUT}/state", ROOT, call["state_bytes"], call["state_files"])
        except OSError as error:
            why = f"the files could not be kept: {error.strerror}"
        done["kept"], done["why"] = not why, why
    for name, content in (("stdout", output[0]), ("stderr", output[1]), ("outcome", json.dumps(done).encode())):
        with open(f"{OUT}/{name}", "wb") as out:
            out.write(content)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
