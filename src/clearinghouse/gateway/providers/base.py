"""What the gateway wants of a server of models."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from clearinghouse.gateway.requests import Asked


class Unreached(Exception):
    """No byte of the call left: nothing was asked."""


class Lost(Exception):
    """The server was asked, and its answer did not come to an end."""


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """One upstream of the settings, as its provider is made with it."""

    name: str
    kind: str
    base_url: str
    """Up to and with the version, as `https://HOST/v1`."""
    model: str
    """As the server calls it; clients call it by the upstream's name."""
    key: str = field(default="", repr=False)
    length_field: str = ""
    """By which name the server wants the bound on an answer; that of its kind where empty."""
    purposes: tuple[str, ...] = ()
    """What accesses to it may be for; anything where empty."""
    key_file: Path | None = None
    """Where its key lies; read by the gateway alone, when it starts."""


class Incoming(Protocol):
    """An answer as it comes."""

    @property
    def status(self) -> int: ...

    @property
    def retry_after(self) -> str:
        """Seconds, as digits; empty where the server did not say."""
        ...

    @property
    def plain(self) -> bool:
        """Whether the bytes are what they look like: not compressed."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they come. Raises Lost where they stop before their end."""
        ...


class Provider(Protocol):
    """A server of models."""

    @property
    def settings(self) -> UpstreamSettings: ...

    def render(self, asked: Asked, completion_tokens: int) -> bytes:
        """The body that is sent, with the bound on the answer in it."""
        ...

    def ask(self, body: bytes) -> AbstractAsyncContextManager[Incoming]:
        """Send it, once: no redirect is followed and nothing tried again. Raises Unreached or Lost on entering."""
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...
