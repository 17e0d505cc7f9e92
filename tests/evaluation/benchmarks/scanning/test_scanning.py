"""The leak scan: a planted canary is found in each form and place, and none where there is none."""

import base64
import bz2
import gzip
import io
import json
import lzma
import os
import sqlite3
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clearinghouse.evaluation.benchmarks.records import Item
from clearinghouse.evaluation.benchmarks.scanning import Canaries, Scan, find_marked, scan_paths
from clearinghouse.evaluation.benchmarks.scanning.places import PORTION_BYTES
from clearinghouse.evaluation.benchmarks.suites import SUITES

ITEM = SUITES[0].generate(31, 0)
OTHER = SUITES[1].generate(31, 1)
KNOWN = Canaries.of_items([ITEM, OTHER])
_C = ITEM.canary.encode()
_PROSE = b"It was the night before the release, and nobody on the desk had slept. " * 20


def _in(text: bytes, before: int = 7) -> bytes:
    return _PROSE[: 200 + before] + text + _PROSE[:300]


_FORMS: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda text: text,
    "upper case": lambda text: text.upper(),
    "without its first words": lambda text: text.rsplit(b"-", 1)[1],
    "utf-16 le": lambda text: text.decode().encode("utf-16-le"),
    "utf-16 be": lambda text: text.decode().encode("utf-16-be"),
    "hex": lambda text: text.hex().encode(),
    "hex with capitals": lambda text: text.hex().upper().encode(),
    "hex with blanks": lambda text: text.hex(" ").encode(),
    "a bytea of PostgreSQL": lambda text: b"\\\\x" + text.hex().encode(),
    "base64": lambda text: base64.b64encode(b"some words before " + text + b" and after"),
    "base64, another place": lambda text: base64.b64encode(b"some words before. " + text),
    "base64, a third place": lambda text: base64.b64encode(b"some words before.. " + text),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(b"\xff\xfe\xfb" + text),
    "base64 in lines": lambda text: base64.encodebytes(b"x" * 50 + text),
    "base64 in lines within JSON": lambda text: json.dumps({"body": base64.encodebytes(b"y" * 45 + text).decode()}).encode(),
    "JSON": lambda text: json.dumps({"prompt": "a\n" + text.decode() + "\n"}).encode(),
    "broken over lines": lambda text: text[:33] + b"\r\n" + text[33:],
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(b"ab" + text)),
    "hex of base64": lambda text: base64.b64encode(b"a" + text).hex().encode(),
    "gzip in the middle": gzip.compress,
    "zlib in the middle": zlib.compress,
    "base64 of gzip": lambda text: base64.b64encode(gzip.compress(b"words " * 20 + text)),
}


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("before", range(3))
def test_canary_is_found_in_each_form(form: str, before: int, tmp_path: Path) -> None:
    path = tmp_path / "place.log"
    path.write_bytes(_in(_FORMS[form](_C), before))
    scan = scan_paths([tmp_path], KNOWN)
    assert {leak.sighting.item_id for leak in scan.leaks} == {ITEM.id}, form
    assert all(str(path) in leak.place for leak in scan.leaks)
    assert scan.unread == []


@pytest.mark.parametrize("form", _FORMS)
def test_nothing_is_found_of_what_is_no_canary(form: str, tmp_path: Path) -> None:
    almost = _C[:-1] + (b"a" if _C[-1:] != b"a" else b"b")
    (tmp_path / "place.log").write_bytes(_in(_FORMS[form](almost)))
    assert scan_paths([tmp_path], KNOWN).leaks == []
    if form != "without its first words":
        # Who knows no canary finds whatever has the form of one.
        assert scan_paths([tmp_path], Canaries.of_any()).leaks


@pytest.mark.parametrize("form", ["text", "base64", "utf-16 le", "hex", "gzip in the middle"])
def test_canary_at_the_edge_of_a_portion_is_found(form: str, tmp_path: Path) -> None:
    made = _FORMS[form](_C)
    for shift in range(-len(made) - 2, 3, max(1, len(made) // 7)):
        path = tmp_path / f"big{shift}"
        path.write_bytes(b" " * (PORTION_BYTES + shift) + made + b" " * 3_000)
        scan = scan_paths([path], KNOWN)
        assert {leak.sighting.item_id for leak in scan.leaks} == {ITEM.id}, shift
        path.unlink()


def test_long_compressed_stream_that_goes_over_portions_is_read_through(tmp_path: Path) -> None:
    # Random bytes do not get smaller: the stream is longer than a portion, the canary at its end.
    stream = gzip.compress(os.urandom(2 * PORTION_BYTES) + _C)
    (tmp_path / "core").write_bytes(os.urandom(1000) + stream + os.urandom(1000))
    assert {leak.sighting.item_id for leak in scan_paths([tmp_path], KNOWN).leaks} == {ITEM.id}


def _zip(name: str, content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr(name, content)
    return made.getvalue()


def _tar(content: bytes, mode: str) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]  # a mode is a text to the caller
        member = tarfile.TarInfo("inner.txt")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


_PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zip": lambda data: _zip("inner.txt", data),
    "zip, stored": lambda data: _zip("inner.txt", data, zipfile.ZIP_STORED), "zip in zip": lambda data: _zip("inner.zip", _zip("deep.txt", data)),
    "tar": lambda data: _tar(data, "w"), "tar.gz": lambda data: _tar(data, "w:gz"), "tar.xz in zip": lambda data: _zip("a.tar.xz", _tar(data, "w:xz")),
    "zip of base64": lambda data: _zip("inner.txt", base64.b64encode(data)), "gzip of gzip": lambda data: gzip.compress(gzip.compress(data)),
}  # fmt: skip


@pytest.mark.parametrize("kind", _PACKED)
def test_canary_is_found_in_what_is_packed(kind: str, tmp_path: Path) -> None:
    (tmp_path / "packed").write_bytes(_PACKED[kind](_in(_C)))
    (tmp_path / "clean").write_bytes(_PACKED[kind](_PROSE))
    scan = scan_paths([tmp_path], KNOWN)
    assert {leak.sighting.item_id for leak in scan.leaks} == {ITEM.id}
    assert all("packed" in leak.place for leak in scan.leaks)
    assert scan.unread == []


def test_canary_is_found_in_sqlite_whatever_way_it_lies_there(tmp_path: Path) -> None:
    path = tmp_path / "made.db"
    database = sqlite3.connect(path)
    database.execute("pragma page_size=512")
    database.execute('create table "odd ""name" (number integer, body blob)')
    for number in range(60):
        # Long values go over pages of 512 bytes, so that a break falls into the canary somewhere.
        value = b" " * (300 + 7 * number) + (_C if number == 41 else b"nothing") + b" " * 700
        database.execute('insert into "odd ""name" values (?, ?)', (number, value))
    database.execute("create table packed (body blob)")
    database.execute("insert into packed values (?)", (zlib.compress(_in(OTHER.canary.encode())),))
    database.commit()
    database.close()
    found = {leak.sighting.item_id for leak in scan_paths([path], KNOWN).leaks}
    assert found == {ITEM.id, OTHER.id}


def test_deleted_row_is_found_in_the_pages_of_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "made.db"
    database = sqlite3.connect(path)
    database.execute("pragma secure_delete=off")
    database.execute("create table notes (body text)")
    database.execute("insert into notes values (?)", (ITEM.canary,))
    database.commit()
    database.execute("delete from notes")
    database.commit()
    database.close()
    assert {leak.sighting.item_id for leak in scan_paths([path], KNOWN).leaks} == {ITEM.id}


def test_what_could_not_be_looked_into_is_said(tmp_path: Path) -> None:
    (tmp_path / "log.zst").write_bytes(b"\x28\xb5\x2f\xfd" + os.urandom(40))
    (tmp_path / "broken.gz").write_bytes(gzip.compress(_PROSE)[:60])
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\x00" + os.urandom(200))
    # A member of the method that evaluation logs use; the number is all that is changed.
    packed = bytearray(_zip("sample.json", b"x" * 50, zipfile.ZIP_STORED))
    packed[8:10] = (93).to_bytes(2, "little")
    packed[packed.index(b"PK\x01\x02") + 10 :][:2] = b""
    at = bytes(packed).index(b"PK\x01\x02") + 10
    packed[at : at + 2] = (93).to_bytes(2, "little")
    (tmp_path / "run.eval").write_bytes(bytes(packed))
    scan = scan_paths([tmp_path, tmp_path / "none"], KNOWN)
    assert {Path(place.split("!")[0]).name for place, _ in scan.unread} == {"log.zst", "broken.gz", "broken.db", "run.eval", "none"}
    assert scan.leaks == []


def test_links_are_not_followed_and_odd_files_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(_C)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    os.mkfifo(inside / "pipe")
    scan = scan_paths([inside, inside / "link", Path("/proc/sys")], KNOWN)
    assert (scan.files, scan.leaks, [place for place, _ in scan.unread]) == (0, [], [str(inside / "link"), "/proc/sys"])


def test_scan_never_shows_a_canary(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(_C + b" " + base64.b64encode(_C) + b" " + gzip.compress(_C))
    scan = scan_paths([tmp_path], KNOWN)
    assert len(scan.leaks) >= 3
    assert ITEM.canary not in repr(scan)
    assert ITEM.canary.rsplit("-", 1)[1] not in repr(scan) + repr(KNOWN)


def test_bomb_is_read_no_further_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from clearinghouse.evaluation.benchmarks.scanning import places

    monkeypatch.setattr(places, "_UNPACKED_BYTES_MAX", 3 * PORTION_BYTES)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(40 * PORTION_BYTES), 1))
    scan = scan_paths([tmp_path], KNOWN)
    assert scan.read_bytes <= 5 * PORTION_BYTES
    assert ["more than" in why for _, why in scan.unread] == [True]


@given(st.binary(max_size=300), st.sampled_from(sorted(_FORMS)), st.binary(max_size=300))
@settings(max_examples=80)
def test_whatever_stands_around_it_a_canary_in_plain_form_is_found(before: bytes, form: str, after: bytes) -> None:
    # Letters right beside it may make another word of it, as they do for a person.
    made = before + b" \n\n \0\0\0" + _C + b" \n\n" + after
    assert ITEM.id in {sighting.item_id for sighting in KNOWN.sightings(made)}


@given(st.binary(max_size=2_000))
def test_nothing_is_found_in_noise(data: bytes) -> None:
    assert KNOWN.sightings(data) == set()


def test_text_from_outside_that_quotes_any_benchmark_is_told(tmp_path: Path) -> None:
    unknown: Item = SUITES[2].generate(2**90, 4)
    assert find_marked(f"as one reads: {unknown.prompt}")
    assert find_marked(base64.b64encode(unknown.prompt.encode()).decode())
    assert not find_marked(_PROSE.decode() + " clearinghouse-canary- is how they begin")
    assert isinstance(scan_paths([tmp_path], Canaries.of_any()), Scan)
