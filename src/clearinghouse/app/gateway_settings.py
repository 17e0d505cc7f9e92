"""The table `[gateway]` of the settings: where the gateway listens, where its journal lies, and which servers of models it asks."""

import re
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clearinghouse.core.errors import Invalid
from clearinghouse.gateway.providers.base import UpstreamSettings
from clearinghouse.gateway.rules import PURPOSES

KINDS = ("openai", "litellm")
LENGTH_FIELDS = ("max_tokens", "max_completion_tokens")
_NAME = re.compile(r"[a-z0-9-]{1,32}")
_TEXT_CHARACTERS_MAX = 300
_UPSTREAM_KEYS = ("kind", "base_url", "model", "key_file", "length_field", "purposes")
_HEAD_SECONDS_MAX = 86_400
_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """`[gateway]`: off without an upstream."""

    host: str = "127.0.0.1"
    """Address to listen on; empty: on no port. Nothing that holds bytes back may stand between it and clients."""
    port: int = 8040
    """0: any free one, which is printed."""
    socket: Path | None = None
    """A unix socket to listen on, too; who may write to its folder may connect."""
    journal: Path = Path("gateway/journal.db")
    head_seconds: float = 60.0
    """How often the head of the journal is put on the ledger, where it has grown."""
    drain_seconds: float = 5.0
    """How long open calls may go on when the gateway is told to end."""
    upstreams: tuple[UpstreamSettings, ...] = ()


def parse_gateway(table: Any, path: Path) -> GatewaySettings:
    """How this machine serves models to reviews.

    Raises:
        Invalid: a name is unknown, or a value is not of its kind.
    """
    known = [field.name for field in fields(GatewaySettings)]
    if not isinstance(table, dict) or set(table) - set(known):
        raise Invalid(f"{path}: [gateway] knows {', '.join(known)}")
    found = GatewaySettings()
    host, port, socket = table.get("host", found.host), table.get("port", found.port), table.get("socket", "")
    journal, upstreams = table.get("journal", str(found.journal)), table.get("upstreams", {})
    if not isinstance(host, str) or not isinstance(socket, str) or len(host) > _TEXT_CHARACTERS_MAX or (not host and not socket):
        raise Invalid(f"{path}: [gateway] host must be an address, or empty where socket names a unix socket")
    if type(port) is not int or not 0 <= port <= _PORT_MAX:
        raise Invalid(f"{path}: [gateway] port must be a port number, 0 for any free one; found {str(port)[:40]!r}")
    if not isinstance(journal, str) or not journal:
        raise Invalid(f"{path}: [gateway] journal must name a file")
    seconds = {name: table.get(name, getattr(found, name)) for name in ("head_seconds", "drain_seconds")}
    for name, value in seconds.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _HEAD_SECONDS_MAX or (name == "head_seconds" and not value):
            raise Invalid(f"{path}: [gateway] {name} must be a number of seconds; found {str(value)[:40]!r}")
    if not isinstance(upstreams, dict):
        raise Invalid(f"{path}: gateway.upstreams holds one table for each server, as [gateway.upstreams.main]")
    return GatewaySettings(
        host, port, path.parent / socket if socket else None, path.parent / journal, float(seconds["head_seconds"]),
        float(seconds["drain_seconds"]), tuple(_upstream(name, one, path) for name, one in sorted(upstreams.items())),
    )


def _upstream(name: str, table: Any, path: Path) -> UpstreamSettings:
    place = f"{path}: [gateway.upstreams.{name[:40]}]"
    if not _NAME.fullmatch(name):
        raise Invalid(f"{place} needs a name of 1 to 32 small letters, digits and dashes")
    if not isinstance(table, dict) or set(table) - set(_UPSTREAM_KEYS):
        raise Invalid(f"{place} knows {', '.join(_UPSTREAM_KEYS)}")
    kind, url, model, key_file, length = (table.get(key, "") for key in _UPSTREAM_KEYS[:5])
    if kind not in KINDS:
        raise Invalid(f"{place} kind must be one of {', '.join(KINDS)}; found {str(kind)[:40]!r}")
    if not all(isinstance(text, str) and len(text) <= _TEXT_CHARACTERS_MAX and text.isprintable() for text in (url, model, key_file)) or not model:
        raise Invalid(f"{place} base_url, model and key_file must be text of at most {_TEXT_CHARACTERS_MAX} characters, and model must be there")
    if length not in ("", *LENGTH_FIELDS):
        raise Invalid(f"{place} length_field must be one of {', '.join(LENGTH_FIELDS)}")
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("https", "http") and bool(parts.hostname) and not (parts.username or parts.query or parts.fragment) and (parts.port or 1) > 0
    except ValueError:
        plain = False
    if not plain:
        raise Invalid(f"{place} base_url must be as `https://HOST/v1`; found {url[:100]!r}")
    purposes = table.get("purposes", [])
    if not isinstance(purposes, list) or not all(purpose in PURPOSES for purpose in purposes):
        raise Invalid(f"{place} purposes must be a list of {', '.join(PURPOSES)}")
    return UpstreamSettings(name, kind, url, model, "", length, tuple(purposes), path.parent / key_file if key_file else None)


def with_key(upstream: UpstreamSettings) -> UpstreamSettings:
    """The same upstream with its key, as the gateway needs it; no other process reads it.

    Raises:
        Invalid: the key cannot be read, or by others than its owner, too.
    """
    file = upstream.key_file
    if file is None:
        return upstream
    place = f"[gateway.upstreams.{upstream.name}]"
    try:
        if file.stat().st_mode & 0o077:
            raise Invalid(f"{place} key_file can be read by others than its owner; `chmod 600` it")
        found = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{place} key_file cannot be read: {getattr(error, 'strerror', 'it is no text')}") from error
    if not found or not found.isascii() or not found.isprintable():
        raise Invalid(f"{place} key_file must hold one key of printable characters")
    return replace(upstream, key=found)
