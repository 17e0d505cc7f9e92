"""The guard for outgoing calls, against a server and a resolver that try everything."""

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clearinghouse.app.channels.outward import Outward, Refused, Response, Unreachable
from clearinghouse.app.settings import OutwardSettings, default_policy_document, parse_policy
from clearinghouse.core.policy import OutwardLimits
from simulators.tls import make_tls

LIMITS = parse_policy(1, default_policy_document()).outward
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A server on loopback whose answers a test writes, and which remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                # The caller may have gone away, as it should.
                with suppress(OSError):
                    outer.answers.get(self.path, _nothing)(self)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _nothing(handler: BaseHTTPRequestHandler) -> None:
    say(handler, 404, b"nothing")


@pytest.fixture
def server() -> Iterator[Server]:
    started = Server()
    yield started
    started.server.shutdown()
    started.server.server_close()


def guard(server: Server, *names: str, limits: OutwardLimits = LIMITS, resolver: Callable[[str, int], Sequence[str]] | None = None) -> Outward:
    """A guard that may call the test's server under these names."""
    hosts = tuple(f"{name}:{server.port}" for name in names or ("127.0.0.1",))
    return Outward(OutwardSettings(allowed_hosts=hosts, ports=(443, server.port)), limits, resolver or (lambda host, port: ["127.0.0.1"]))


def test_answer_of_an_allowed_host_comes_back_whole(server: Server) -> None:
    server.answers["/a?b=c"] = lambda handler: say(handler, 200, b"charter", Content_Type="text/plain", X_Twice="1")
    got = guard(server).get(server.url("/a?b=c"), {"authorization": "x"})
    assert (got.status, got.body, got.url, got.headers["content-type"]) == (200, b"charter", server.url("/a?b=c"), "text/plain")
    [(path, sent, _)] = server.asked
    assert path == "/a?b=c"
    assert sent["user-agent"].startswith("clearinghouse/")
    assert {"cookie", "proxy-authorization"} & set(sent) == set()


def test_body_of_a_post_arrives_and_its_redirect_is_not_followed(server: Server) -> None:
    server.answers["/hook"] = lambda handler: say(handler, 307, b"", Location=server.url("/other"))
    assert guard(server).post(server.url("/hook"), b'{"id":1}').status == 307
    assert [(path, body) for path, _, body in server.asked] == [("/hook", b'{"id":1}')]


@pytest.mark.parametrize("url", [
    "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "https://example.org:22/", "https://example.org:8443/",
    "https://user@example.org/", "https://user:pw@example.org/", "https://example.org@127.0.0.1/", "https://good.example\\@127.0.0.1/",
    "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fe80::1%25eth0]/", "https://169.254.169.254/latest/",
    "https://localhost/", "https://metadata.google.internal/", "https://１２７.0.0.1/", "https://example.org/a b", "https://example.org/\n", "https://",
    "//example.org/", "example.org", "", "https://exa%6dple.org/", "https://example.org\t/", "https://[::1/", "https://example.org:99999/", "x" * 3000,
])
def test_address_that_is_not_called_is_refused_without_asking_the_network(url: str) -> None:
    def never(host: str, port: int) -> Sequence[str]:
        raise AssertionError(f"{host} was looked up")

    with pytest.raises(Refused):
        Outward(OutwardSettings(), LIMITS, never).post(url, b"")


@pytest.mark.parametrize("answers", [
    ["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["fd00:ec2::254"], ["64:ff9b::a00:1"],
    ["93.184.216.34", "127.0.0.1"],
])
def test_name_that_leads_inside_is_refused(answers: list[str]) -> None:
    with pytest.raises(Refused, match="open internet"):
        Outward(OutwardSettings(), LIMITS, lambda host, port: answers).get("https://rebound.example/")


def test_name_that_changes_its_mind_is_asked_once_and_its_checked_address_connected_to(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connected: list[tuple[str, int]] = []

    def turning(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["8.8.8.8"] if len(asked) == 1 else ["127.0.0.1"]

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unreachable):
        Outward(OutwardSettings(), LIMITS, turning).get("https://rebound.example/")
    assert (asked, connected) == (["rebound.example"], [("8.8.8.8", 443)])


def test_redirect_is_followed_when_it_passes_the_guard_and_loses_what_was_meant_for_the_first_host(server: Server) -> None:
    server.answers["/from"] = lambda handler: say(handler, 302, b"", Location=server.url("/to", "second.example"))
    server.answers["/to"] = lambda handler: say(handler, 200, b"there")
    got = guard(server, "127.0.0.1", "second.example").get(server.url("/from"), {"authorization": "secret"})
    assert (got.status, got.body, got.url) == (200, b"there", server.url("/to", "second.example"))
    assert ["authorization" in sent for _, sent, _ in server.asked] == [True, False]


@pytest.mark.parametrize("place", [
    "http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/", "https://localhost/", "file:///etc/passwd", "//10.0.0.1/", "https://a@example.org/",
    "http://[", "javascript:alert(1)",
])
def test_redirect_to_the_inside_is_refused(server: Server, place: str) -> None:
    server.answers["/from"] = lambda handler: say(handler, 302, b"", Location=place)
    with pytest.raises(Refused):
        guard(server).get(server.url("/from"))


def test_redirects_end(server: Server) -> None:
    server.answers["/round"] = lambda handler: say(handler, 302, b"", Location="/round")
    with pytest.raises(Unreachable, match="redirects"):
        guard(server).get(server.url("/round"))
    assert len(server.asked) == LIMITS.redirects_max + 1


def test_endless_body_ends_at_the_size(server: Server) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    server.answers["/"] = endless
    with pytest.raises(Unreachable, match="longer than"):
        guard(server, limits=replace(LIMITS, response_bytes_max=200_000)).get(server.url("/"))


def test_dripping_body_ends_at_the_deadline(server: Server) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    server.answers["/"] = slow
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="within"):
        guard(server, limits=replace(LIMITS, total_seconds_max=0.6)).get(server.url("/"))
    assert time.monotonic() - begun < 3


def test_dripping_headers_end_at_the_deadline(server: Server) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100):
            handler.wfile.write(b"X-%d: y\r\n" % number)
            handler.wfile.flush()
            time.sleep(0.1)

    server.answers["/"] = slow
    with pytest.raises(Unreachable):
        guard(server, limits=replace(LIMITS, total_seconds_max=0.6)).get(server.url("/"))


def test_gzip_is_opened_and_a_bomb_is_not(server: Server) -> None:
    server.answers["/good"] = lambda handler: say(handler, 200, gzip.compress(b"charter " * 1000), Content_Encoding="gzip")
    server.answers["/bomb"] = lambda handler: say(handler, 200, gzip.compress(b"\0" * 100_000_000, 1), Content_Encoding="gzip")
    server.answers["/lie"] = lambda handler: say(handler, 200, b"plain", Content_Encoding="gzip")
    server.answers["/brotli"] = lambda handler: say(handler, 200, b"plain", Content_Encoding="br")
    caller = guard(server)
    assert caller.get(server.url("/good")).body == b"charter " * 1000
    for path, reason in (("/bomb", "once it is opened"), ("/lie", "is not"), ("/brotli", "only gzip")):
        with pytest.raises(Unreachable, match=reason):
            caller.get(server.url(path))


def test_request_that_is_too_long_is_not_sent(server: Server) -> None:
    with pytest.raises(Refused, match="not sent"):
        guard(server, limits=replace(LIMITS, request_bytes_max=10)).post(server.url("/"), b"x" * 11)
    assert server.asked == []


def test_switched_off_nothing_is_looked_up(server: Server) -> None:
    caller = guard(server)
    with pytest.raises(Unreachable, match="switched off"):
        replace(caller, settings=replace(caller.settings, enabled=False)).get(server.url("/"))
    assert server.asked == []


def test_proxy_of_the_environment_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.answers["/"] = lambda handler: say(handler, 200, b"direct")
    assert guard(server).get(server.url("/")).body == b"direct"


@pytest.mark.parametrize("raw", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"HTTP/1.1 200 OK\r\n" + b"x" * 300_000])
def test_server_that_speaks_no_http_is_unreachable(raw: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        def serve() -> None:
            with listening.accept()[0] as connection:
                connection.recv(65536)
                connection.sendall(raw)

        threading.Thread(target=serve, daemon=True).start()
        port = listening.getsockname()[1]
        caller = Outward(OutwardSettings(allowed_hosts=(f"127.0.0.1:{port}",)), LIMITS, lambda host, port: ["127.0.0.1"])
        with pytest.raises(Unreachable):
            caller.get(f"http://127.0.0.1:{port}/")


def test_resolver_that_hangs_or_fails_is_unreachable() -> None:
    def hangs(host: str, port: int) -> Sequence[str]:
        time.sleep(2)
        return ["8.8.8.8"]

    def fails(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror

    for resolver in (hangs, fails):
        with pytest.raises(Unreachable, match="no address"):
            Outward(OutwardSettings(), replace(LIMITS, connect_seconds_max=0.2), resolver).get("https://example.org/")


def test_certificate_must_be_of_the_name_that_was_asked_for(tmp_path: Path) -> None:
    trust, listening = _tls_server(tmp_path, "hooks.example.org")
    with listening:
        port = listening.getsockname()[1]

        def call(name: str) -> Response:
            settings = OutwardSettings(allowed_hosts=(f"{name}:{port}",))
            return Outward(settings, LIMITS, lambda host, port: ["127.0.0.1"], trust).get(f"https://{name}:{port}/")

        assert call("hooks.example.org").body == b"ok"
        with pytest.raises(Unreachable, match="SSLCertVerificationError"):
            call("other.example.org")


def _tls_server(folder: Path, name: str) -> tuple[ssl.SSLContext, socket.socket]:
    trust, context = make_tls(folder, name)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection = listening.accept()[0]
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return trust, listening
