"""The one guard for outgoing HTTP: webhooks, charters, sign-in at other organisations all go through here.

An address given by somebody outside is refused unless it is plainly on the open internet. The name is
resolved once, every answer of the resolver is checked, and the connection goes to the checked address,
so that a name that changes its mind between the check and the call gains nothing. Each redirect is a
new address and passes the same guard. Time, size and decompression are bounded by policy; no proxy,
cookie or credential of this machine is used.
"""

import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpcore
import httpx

from clearinghouse import __version__
from clearinghouse.app.channels.addresses import why_no_outside_name, why_not_outside
from clearinghouse.app.channels.base import Refused, Unreachable
from clearinghouse.app.settings import OutwardSettings
from clearinghouse.core.policy import OutwardLimits

_URL_CHARACTERS_MAX = 2_000
_HEADER_BYTES_MAX = 128 << 10  # above what the HTTP library itself reads of headers; it refuses more
_PORTION = 64 << 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NEVER_IN_AN_ADDRESS = frozenset(" \\<>\"'`{}|^")

Resolver = Callable[[str, int], Sequence[str]]
"""Host name and port to IP addresses."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, read to its end."""

    status: int
    url: str
    """Where it came from, after redirects."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Decompressed."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that passed what can be checked without asking the network."""

    url: httpx.URL
    host: str
    port: int
    inside: bool
    """Allowed by name in the settings, so not held to be outside."""


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses this machine's resolver gives for a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Outward:
    """Calls addresses on the open internet, and no others."""

    settings: OutwardSettings
    limits: OutwardLimits
    resolver: Resolver = resolve
    tls: ssl.SSLContext | None = None
    """Trust anchors other than the usual ones."""

    def also_allowing(self, *hosts: str) -> "Outward":
        """The same guard with more `HOST:PORT` that may be inside: for addresses an administrator wrote into the settings."""
        return replace(self, settings=replace(self.settings, allowed_hosts=(*self.settings.allowed_hosts, *hosts)))

    def check(self, untrusted_url: str) -> Target:
        """The address, as far as it can be checked without asking the network.

        Raises:
            Refused: it is none this instance calls.
        """
        if len(untrusted_url) > _URL_CHARACTERS_MAX or not untrusted_url.isprintable() or set(untrusted_url) & _NEVER_IN_AN_ADDRESS:
            raise Refused(f"an address of at most {_URL_CHARACTERS_MAX} characters without spaces, quotes or backslashes would be right")
        try:
            url = httpx.URL(untrusted_url)
        except (httpx.InvalidURL, ValueError, TypeError):
            raise Refused("this is no address; `https://HOST/PATH` would be right") from None
        host = url.raw_host.decode("ascii", "replace").lower()
        port = url.port or {"https": 443, "http": 80}.get(url.scheme, 0)
        inside = f"{host}:{port}" in self.settings.allowed_hosts
        if url.scheme != "https" and not (url.scheme == "http" and inside):
            raise Refused(f"only https addresses are called; this one has the scheme {url.scheme[:20]!r}")
        if url.userinfo or b"@" in url.netloc:
            raise Refused("an address with a user name or password in it is not called; leave them out")
        if not inside and port not in self.settings.ports:
            allowed = ", ".join(map(str, self.settings.ports))
            raise Refused(f"port {port} is not called; allowed: {allowed}")
        if not inside and (reason := why_no_outside_name(host)):
            raise Refused(f"the host of this address is {reason}; only hosts on the open internet are called")
        return Target(url.copy_with(fragment=None), host, port, inside)

    def get(self, untrusted_url: str, headers: Mapping[str, str] | None = None) -> Response:
        """What is found at an address; redirects are followed as far as policy says, each checked like the first.

        Raises:
            Refused: the address, or one it leads to, is none this instance calls.
            Unreachable: outgoing connections are off, or there was no answer within the bounds.
        """
        deadline = time.monotonic() + self.limits.total_seconds_max
        target, given = self.check(untrusted_url), dict(headers or {})
        for _ in range(self.limits.redirects_max + 1):
            response = self._call("GET", target, given, b"", deadline)
            place = response.headers.get("location", "")
            if response.status not in _REDIRECTS or not place:
                return response
            try:
                following = self.check(str(target.url.join(place)))
            except (httpx.InvalidURL, ValueError):
                raise Refused("it leads to something that is no address") from None
            if (following.host, following.port, following.url.scheme) != (target.host, target.port, target.url.scheme):
                given = {}  # What was meant for one host is not shown to another.
            target = following
        raise Unreachable(f"more than {self.limits.redirects_max} redirects; give the address at their end")

    def post(self, untrusted_url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
        """What an address answers to a body; a redirect is an answer like any other and is not followed.

        Raises:
            Refused: the address is none this instance calls.
            Unreachable: outgoing connections are off, or there was no answer within the bounds.
        """
        deadline = time.monotonic() + self.limits.total_seconds_max
        return self._call("POST", self.check(untrusted_url), dict(headers or {}), body, deadline)

    def _call(self, method: str, target: Target, headers: dict[str, str], body: bytes, deadline: float) -> Response:
        if not self.settings.enabled:
            raise Unreachable("outgoing connections are switched off ([outward] enabled = false in the settings)")
        if len(body) > self.limits.request_bytes_max:
            raise Refused(f"{len(body)} bytes are not sent; at most {self.limits.request_bytes_max} are")
        named = {"user-agent": f"clearinghouse/{__version__}", "accept-encoding": "gzip", "accept": "*/*"} | headers
        request = httpx.Request(method, target.url, headers=named, content=body or None)
        # A transport for one call, so that nothing (cookies, connections) is carried from one to the next.
        transport = _Transport(_PinnedNetwork(self, target, deadline), self.tls)
        try:
            answer = transport.handle_request(request)
            found = _decoded(answer, self.limits)
        except (httpcore.TimeoutException, TimeoutError):
            raise Unreachable(f"{target.host} did not answer within {self.limits.total_seconds_max:g} seconds") from None
        except (httpcore.ProtocolError, httpcore.NetworkError, httpx.HTTPError, OSError) as error:
            raise Unreachable(f"{target.host} could not be reached ({type(error).__name__})") from None
        finally:
            transport.close()
        shown = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, str(target.url), shown, found)


def _decoded(response: httpx.Response, limits: OutwardLimits) -> bytes:
    """The body within its bounds; what is compressed is opened no further than they allow."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise Unreachable(f"the answer is compressed as {encoding[:20]!r}; only gzip was offered")
    opener = zlib.decompressobj(31) if encoding.endswith("gzip") else None
    body, raw = bytearray(), 0
    for portion in response.iter_raw(_PORTION):
        raw += len(portion)
        if raw > limits.response_bytes_max:
            raise Unreachable(f"the answer is longer than {limits.response_bytes_max} bytes")
        if opener is None:
            body += portion
            continue
        try:
            body += opener.decompress(portion, limits.response_bytes_max + 1 - len(body))
        except zlib.error:
            raise Unreachable("the answer says it is gzip and is not") from None
        if opener.unconsumed_tail or len(body) > limits.response_bytes_max:
            raise Unreachable(f"the answer is longer than {limits.response_bytes_max} bytes once it is opened")
    return bytes(body)


class _Transport(httpx.BaseTransport):
    """Requests over the pinned network: neither proxy nor environment has a say."""

    def __init__(self, network: "_PinnedNetwork", tls: ssl.SSLContext | None) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls or ssl.create_default_context(), max_connections=1, http1=True, http2=False, network_backend=network
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        answer = self._pool.handle_request(httpcore.Request(
            request.method, httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw, content=request.read(),
        ))
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _PinnedNetwork(httpcore.NetworkBackend):
    """Connections of one call: the name is resolved and checked here, and here the checked address is connected to."""

    def __init__(self, guard: Outward, target: Target, deadline: float) -> None:
        self._guard, self._target, self._deadline = guard, target, deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        # What is connected to is what was checked, whatever the library above made of the URL.
        if (host.lower(), port) != (self._target.host, self._target.port):
            raise Refused("the connection was about to go elsewhere than to the address that was checked")
        addresses = self._addresses(host, port)
        if not self._target.inside:
            for address in addresses:
                if reason := why_not_outside(address):
                    raise Refused(f"the host of this address leads to {reason}; only hosts on the open internet are called")
        failed: OSError | None = None
        for address in addresses[: self._guard.limits.addresses_max]:
            wait = min(self._guard.limits.connect_seconds_max, _left(self._deadline))
            try:
                connected = socket.create_connection((address, port), wait)
            except OSError as error:
                failed = error
                continue
            return _Stream(connected, self._deadline, self._guard.limits.response_bytes_max + _HEADER_BYTES_MAX)
        raise Unreachable(f"{host} could not be reached ({type(failed).__name__})")

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        found: list[Sequence[str]] = []

        def ask() -> None:
            try:
                found.append(self._guard.resolver(host, port))
            except (OSError, UnicodeError):
                found.append(())

        # The resolver has no timeout of its own; a thread nobody waits for has.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(min(self._guard.limits.connect_seconds_max, _left(self._deadline)))
        if not found or not found[0]:
            raise Unreachable(f"{host} has no address that could be found")
        return found[0]


class _Stream(httpcore.NetworkStream):
    """A connection on which every wait ends at one deadline and reading ends at one size."""

    def __init__(self, connected: socket.socket, deadline: float, bytes_max: int) -> None:
        self._socket, self._deadline, self._left = connected, deadline, bytes_max

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(_left(self._deadline))
        found = self._socket.recv(max_bytes)
        self._left -= len(found)
        if self._left < 0:
            raise Unreachable("the answer is longer than this instance reads")
        return found

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        while view:
            self._socket.settimeout(_left(self._deadline))
            view = view[self._socket.send(view) :]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._socket.settimeout(_left(self._deadline))
        try:
            # The name, not the pinned address: certificate and SNI are those of the host that was asked for.
            wrapped = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self._socket.close()
            raise
        return _Stream(wrapped, self._deadline, self._left)

    def get_extra_info(self, info: str) -> Any:
        return None


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


__all__ = ["Outward", "Refused", "Resolver", "Response", "Target", "Unreachable", "resolve"]
