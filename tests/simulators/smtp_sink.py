"""A mail server on loopback that keeps what it is given, or misbehaves as a test asks; with or without TLS."""

import asyncio
import ssl
import threading
from dataclasses import dataclass, field
from typing import Self


@dataclass
class SmtpSink:
    """Runs in a thread of its own while it is entered."""

    tls: ssl.SSLContext | None = None
    """Offered by STARTTLS where `implicit` is False."""
    implicit: bool = False
    password: str = ""
    """Asked for where it is not empty; the user is `relay`."""
    answers: dict[str, str] = field(default_factory=dict)
    """Command (`RCPT`, `DATA`, `MAIL`, ...) to the line to answer instead."""
    received: list[tuple[str, str, bytes]] = field(default_factory=list)
    """(sender, recipient, message) of each mail taken."""
    secured: list[bool] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve(ready))
        self._loop.close()

    async def _serve(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self.tls if self.implicit else None)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._stop.wait()
        server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = recipient = ""
        secure, known = self.implicit, not self.password

        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        await say(self.answers.get("HELLO", "220 sink ESMTP"))
        while line := (await reader.readline()).decode("latin-1").rstrip("\r\n"):
            verb = line.split(" ", 1)[0].upper()
            if verb in self.answers:
                await say(self.answers[verb])
            elif verb == "EHLO":
                offers = ["STARTTLS"] if self.tls is not None and not secure else []
                offers += ["AUTH PLAIN"] if self.password else []
                names = ["sink", *offers]
                for number, name in enumerate(names):
                    await say(f"250{' ' if number == len(names) - 1 else '-'}{name}")
            elif verb == "STARTTLS" and self.tls is not None:
                await say("220 go ahead")
                await writer.start_tls(self.tls)
                secure = True
            elif verb == "AUTH":
                import base64

                known = line.split()[-1] == base64.b64encode(f"\0relay\0{self.password}".encode()).decode()
                await say("235 welcome" if known else "535 no")
            elif verb == "MAIL" and not known:
                await say("530 who are you")
            elif verb == "MAIL":
                sender = line.partition("<")[2].partition(">")[0]
                await say("250 ok")
            elif verb == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                await say("250 ok")
            elif verb == "DATA":
                await say("354 go on")
                body = bytearray()
                while (portion := await reader.readline()) != b".\r\n":
                    body += portion.removeprefix(b".") if portion.startswith(b"..") else portion
                self.received.append((sender, recipient, bytes(body)))
                self.secured.append(secure)
                await say("250 kept")
            elif verb == "QUIT":
                await say("221 bye")
                return
            else:
                await say("250 ok")
