"""Inspect's own checks of a sandbox provider, each on a sandbox of its own."""

import sys

sys.path.insert(0, "/engine")

import json
from typing import Any

import anyio
from calling import call
from inspect_ai.util._sandbox import self_check
from sandboxes import DeskSandbox


async def main() -> None:
    """Try all, a few at a time, and hand over what was found."""
    job, _ = call("job")
    found: dict[str, str] = {}
    room = anyio.CapacityLimiter(job["at_once"])

    async def one(name: str, sample: str) -> None:
        async with room:
            await anyio.to_thread.run_sync(lambda: call("open", sample=sample))
            check: Any = getattr(self_check, name)
            try:
                await check(DeskSandbox(sample))
                found[name] = ""
            except Exception as error:
                found[name] = f"{type(error).__name__}: {str(error)[:200]}"

    async with anyio.create_task_group() as group:
        for name, sample in zip(self_check.__all__, job["samples"], strict=False):
            group.start_soon(one, name, sample)
    assert len(found) == len(self_check.__all__), "there is a sample for each check"
    call("checked", json.dumps(found).encode())


if __name__ == "__main__":
    anyio.run(main)
