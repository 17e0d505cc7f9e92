"""An open-loop load: requests leave on time whether or not earlier ones were answered, so that waiting is measured."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Answered:
    """One request: when it was due, how long after that it was answered (seconds), and with which status."""

    due: float
    seconds: float
    status: int
    body: bytes


async def offer(port: int, requests: Sequence[bytes], per_second: float, connections: int = 64) -> list[Answered]:
    """Send each request (bytes of HTTP/1.1, keep-alive) at its time; at most `connections` are open at once."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    started = time.monotonic()

    async def one(number: int) -> Answered:
        due = started + number / per_second
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        reader, writer = await free.get()
        writer.write(requests[number])
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(length)
        free.put_nowait((reader, writer))
        return Answered(due, time.monotonic() - due, int(head[9:12]), body)

    answered = await asyncio.gather(*(one(number) for number in range(len(requests))))
    while not free.empty():
        free.get_nowait()[1].close()
    return answered


def share(seconds: Sequence[float], part: float) -> float:
    """The value below which `part` of all values lie."""
    return sorted(seconds)[min(len(seconds) - 1, int(part * len(seconds)))]
