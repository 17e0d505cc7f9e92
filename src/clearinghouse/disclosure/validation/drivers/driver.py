"""The bench's driver for a Python file with `reproduce(data)`; it stands alone and runs inside, on whatever Python is there."""

import importlib.util
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any


def main() -> None:
    """Hand every file to the code under test, then say that the end was reached."""
    module_path, inputs = Path(sys.argv[1]), sys.argv[2:]
    root = os.environ.get("CLEARINGHOUSE_BUILD", str(module_path.parent))
    sys.path[:0] = [str(module_path.parent), root]
    counted = os.environ.get("CLEARINGHOUSE_COVERAGE") == "1"
    seen: set[tuple[str, int]] = set()

    def in_function(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return in_function

    def at_call(frame: FrameType, event: str, _: Any) -> Any:
        return in_function if frame.f_code.co_filename.startswith(root) else None

    spec = importlib.util.spec_from_file_location("harness", module_path)
    if spec is None or spec.loader is None:
        sys.exit("CLEARINGHOUSE NO INPUT")
    harness = importlib.util.module_from_spec(spec)
    sys.modules["harness"] = harness
    if counted:
        sys.settrace(at_call)
    spec.loader.exec_module(harness)
    for path in inputs:
        if path == "--canary":
            raise RuntimeError("clearinghouse_canary")
        harness.reproduce(Path(path).read_bytes())
    sys.settrace(None)
    sys.stderr.flush()
    word = os.environ.get("CLEARINGHOUSE_WORD", "")
    sys.stdout.write(f"\nCLEARINGHOUSE END {word} edges={len(seen) if counted else -1}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
