"""The probe: runs what `/in/cases` says and leaves what it saw in `/out/seen`. It knows no right answer.

Every case is a process of its own. What was handed in may do what it likes in here: at the worst it forges what was seen, and would have to know
what should have been seen.
"""

import base64
import contextlib
import json
import os
import resource
import runpy
import select
import signal
import sys
import time
import traceback
from typing import Any

SECONDS = 4.0
OUT_MAX = 65_536
REPORT_MAX = 400
ERROR = 70


def main() -> None:
    """Run all cases."""
    nonce = sys.stdin.readline().strip()
    os.close(0)
    with open("/in/cases", encoding="utf-8") as file:
        cases = json.load(file)
    os.mkdir("/work/run")
    seen: list[dict[str, Any]] = []
    for number, case in enumerate(cases):
        # One that had to be cut off decides the whole; the others would only take as long again.
        stuck = bool(seen) and seen[-1].get("cut", "") != ""
        seen.append({"cut": "not run"} if stuck else run(case, number))
    with open("/out/seen", "w", encoding="utf-8") as file:
        file.write(nonce + "\n" + json.dumps(seen))


def run(case: dict[str, Any], number: int) -> dict[str, Any]:
    """What came of one case."""
    path = "/in/" + case["program"]
    given = base64.b64decode(case["stdin"])
    if case["stdin_from"]:
        try:
            with open("/in/" + case["stdin_from"], "rb") as file:
                given = file.read(case["size_max"] + 1)
        except OSError:
            return {"missing": True}
        if len(given) > case["size_max"]:
            return {"too_long": True}
    if not os.path.isfile(path):
        return {"missing": True}
    place = f"/work/stdin{number}"
    with open(place, "wb") as file:
        file.write(given)
    source = os.open(place, os.O_RDONLY)
    os.unlink(place)
    out, out_end = os.pipe()
    report, report_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        os.close(report)
        be(path, case["arguments"], source, out_end, report_end)
    for handle in (source, out_end, report_end):
        os.close(handle)
    return watch(child, out, report)


def be(path: str, arguments: list[str], source: int, out: int, report: int) -> None:
    """Become the program; never returns."""
    said, status = "", 0
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS) + 1, int(SECONDS) + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nothing = os.open("/dev/null", os.O_WRONLY)
        os.dup2(source, 0)
        os.dup2(out, 1)
        os.dup2(nothing, 2)
        sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)
        sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", errors="replace", closefd=False)
        sys.argv = [path, *arguments]
        sys.path.insert(0, os.path.dirname(path))
        sys.dont_write_bytecode = True
        os.chdir("/work/run")
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException as error:
            frames = traceback.extract_tb(error.__traceback__)
            said, status = f"{type(error).__name__}@{frames[-1].name if frames else ''}", ERROR
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
        os.write(report, said.encode("utf-8", "replace")[:REPORT_MAX])
    finally:
        os._exit(status & 255)


def watch(child: int, out: int, report: int) -> dict[str, Any]:
    """What a child wrote until it ended, or had its time."""
    end = time.monotonic() + SECONDS
    kept = {out: b"", report: b""}
    room = {out: OUT_MAX, report: REPORT_MAX}
    waiting, cut = {out, report}, ""
    while waiting and not cut:
        ready, _, _ = select.select(list(waiting), [], [], max(0.0, end - time.monotonic()))
        if not ready:
            cut = "time"
        for handle in ready:
            piece = os.read(handle, 65_536)
            if not piece:
                waiting.discard(handle)
            kept[handle] += piece
            if len(kept[handle]) > room[handle]:
                cut = "output"
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(child, signal.SIGKILL)
    try:
        _, status = os.waitpid(child, 0)
    except OSError:
        status = -1
    for handle in kept:
        os.close(handle)
    return {
        "out": kept[out][:OUT_MAX].decode("utf-8", "replace"), "error": kept[report][:REPORT_MAX].decode("utf-8", "replace"),
        "status": status, "cut": cut,
    }


if __name__ == "__main__":
    main()
