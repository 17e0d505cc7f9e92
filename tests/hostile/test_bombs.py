"""Bombs: more than there seems to be, deeper than anything is, slower than anybody waits. None costs more than a refusal."""

import bz2
import gzip
import io
import lzma
import time
import zipfile
import zlib

import msgspec
import pytest

from world import API, World

ZEROS = b"\x00" * (64 << 20)


def zipped(data: bytes, name: str = "a.json") -> bytes:
    """A zip file of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return out.getvalue()


def deep(opening: str, closing: str, depth: int = 200_000) -> bytes:
    """Something inside something inside something."""
    return (opening * depth + closing * depth).encode()


BOMBS = {
    "gzip": gzip.compress(ZEROS), "zip": zipped(ZEROS), "zip in zip": zipped(zipped(zipped(ZEROS))), "bz2": bz2.compress(ZEROS),
    "xz": lzma.compress(ZEROS), "deflate": zlib.compress(ZEROS), "zip that climbs": zipped(b"{}", "../../../../tmp/x"),
    "deep arrays": deep("[", "]"), "deep objects": deep('{"a":', "}", 50_000).replace(b":}", b":1}", 1),
    "deep in a field": b'{"title": "x", "description": ' + deep("[", "]", 50_000) + b"}",
    "one line without end": b'{"title": "' + b"a" * (3 << 20), "a million lines": b"\n" * 1_000_000, "lines of nothing": b"{}\n" * 100_000,
    "long number": b'{"title": "x", "cwe": [' + b"9" * 500_000 + b"]}", "many keys": b"{" + b",".join(b'"%d":1' % n for n in range(200_000)) + b"}",
    "laughs": b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + b"".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9)) + b"]><a>&j;</a>",
    "entity of a file": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "yaml of many anchors": b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % (c, c, *[c - 1] * 9)
                                                               for c in range(ord("b"), ord("j"))),
    "no text": bytes(range(256)) * 1000, "halves of letters": b'{"title": "' + b"\xff\xfe\xed\xa0\x80" * 1000 + b'"}', "nothing": b"",
    "halves of letters, escaped": b'{"title": "\\ud800\\udfff\\u0000 x", "symbols": ["\\u0000"]}',
}


@pytest.mark.parametrize("bomb", sorted(BOMBS))
def test_document_that_is_a_bomb_is_kept_or_refused_in_time(world: World, bomb: str) -> None:
    started = time.monotonic()
    answer = world.call("finder", "POST", f"{API}/submissions", body=BOMBS[bomb], headers={"X-File-Name": f"{bomb}.json"})
    assert answer.status in (201, 413, 422), (answer.status, answer.text[:300])
    assert time.monotonic() - started < 45
    assert len(answer.body) < 1 << 20
    assert b"root:" not in answer.body
    # It goes on for everybody else.
    assert world.call("finder", "GET", f"{API}/reports?size=1").status == 200


def test_body_longer_than_it_says_is_refused_when_it_is_too_long(world: World) -> None:
    limit = world.instance.policy.intake.document_bytes_max
    portion = b"x" * (1 << 20)
    headers = {**world.headers("finder"), "Transfer-Encoding": "chunked"}
    answer = world.application.send("POST", f"{API}/submissions", headers, [portion] * (limit // len(portion) + 2))
    assert answer.status in (413, 422)
    declared = world.application.send("POST", f"{API}/submissions", {**world.headers("finder"), "Content-Length": str(limit * 1000)}, [b"x"])
    assert declared.status in (413, 422)


def test_body_that_breaks_off_leaves_nothing(world: World) -> None:
    before = world.application.events()
    answer = world.application.send("POST", f"{API}/submissions", {**world.headers("finder"), "Content-Length": "100000"}, [b'{"title": "half', None])
    assert answer.status in (0, 400, 422)
    whole = world.application.events() - before
    assert whole == 0, f"{whole} events of half a document"


def test_form_of_ten_thousand_parts_is_refused_or_read_in_time(world: World) -> None:
    [(name, token)] = world.people["finder"].form.items()
    parts = b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nv\r\n' % n for n in range(10_000))
    body = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{token}\r\n'.encode() + parts + b"--x--\r\n"
    for path, headers in (("/submit", world.people["finder"].headers), ("/vince/comm/api/vulreport/", world.people["finder"].headers)):
        started = time.monotonic()
        answer = world.application.call("POST", path, {**headers, "Content-Type": "multipart/form-data; boundary=x"}, body)
        assert 400 <= answer.status < 500, (path, answer.status, answer.text[:200])
        assert time.monotonic() - started < 20


@pytest.mark.parametrize("content_type", [
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "x" * 5000, "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded; charset=nonsense", "text/plain", "application/json", "application/json; charset=utf-16", "application/msgpack",
    "application/xml", "", "\u00e4", "multipart/form-data; boundary=\u00e4", "multipart/mixed; boundary=x",
])
def test_content_type_that_fits_not_is_no_mistake_of_ours(world: World, case: str, content_type: str) -> None:
    bodies = (b"", b"\x00\xff", b"--x\r\n\r\n--x--", b'{"reason": "x"}', b"reason=x")
    for body in bodies:
        for path in (f"/api/v1/cases/{case}/decisions", "/api/v1/decisions", "/vince/comm/api/vulreport/", "/submit", f"/cases/{case}/documents",
                     "/sign-in/passkey/options", "/account/passkeys"):
            answer = world.application.call("POST", path, {**world.headers("desk"), "Content-Type": content_type}, body)
            assert 400 <= answer.status < 500, (path, content_type, body, answer.status, answer.text[:200])


def test_headers_beyond_measure_are_no_mistake_of_ours(world: World) -> None:
    for name, value in (("X-File-Name", "x" * 60_000), ("Idempotency-Key", "k" * 60_000), ("Cookie", "a=b; " * 10_000), ("User-Agent", "u" * 60_000),
                        ("Authorization", "Bearer " + "b" * 60_000), ("Accept", "text/html," * 5_000), ("X-File-Name", "\u202e\u0000gpj.exe"),
                        ("Content-Length", "-1"), ("Content-Length", "x"), ("Range", "bytes=0-1," * 2000)):
        for method, path in (("POST", f"{API}/submissions"), ("GET", "/inbox"), ("GET", f"{API}/reports"), ("POST", "/submit")):
            answer = world.application.call(method, path, {**world.headers("finder"), name: value}, b"{}" if method == "POST" else b"")
            assert answer.status < 500, (name, method, path, answer.status)


@pytest.mark.parametrize("name", ["../../etc/passwd", "..\\..\\x", "/abs/x", "a\r\nX-Evil: 1", "\u202egpj.exe", "x" * 300, '"; filename="evil.html', "<script>.svg",
                                  "\u0000", "CON", ".", "..", "%2e%2e%2f"])
def test_name_of_a_file_stays_a_name(world: World, case: str, name: str) -> None:
    from urllib.parse import quote

    added = world.application.call(
        "POST", f"{API}/cases/{case}/documents?kind=other&name={quote(name, safe='')}", {**world.headers("desk"), "Content-Type": "text/html"},
        b"<script>alert(1)</script>",
    )
    assert added.status in (201, 422), added.text
    if added.status == 201:
        kept = msgspec.json.decode(added.body)
        assert "/" not in kept["name"]
        assert "\\" not in kept["name"]
        assert not set(kept["name"]) & set("\r\n\x00\u202e")
        for start in (API, ""):
            read = world.application.call("GET", f"{start}/cases/{case}/documents/{kept['id']}", world.headers("desk"))
            assert read.status == 200
            assert read.header("content-type") == "application/octet-stream"
            assert read.header("content-disposition").startswith("attachment; filename*=UTF-8''")
            assert set(read.header("content-disposition")) <= set(map(chr, range(32, 127))) - set('"<>\\')
            assert not any(header == "x-evil" for header, _ in read.headers)
            assert read.header("x-content-type-options") == "nosniff"
