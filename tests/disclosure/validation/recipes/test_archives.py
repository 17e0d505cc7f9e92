"""Archives of strangers become plain files below a folder, or an error (attack 29)."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.disclosure.validation.recipes.archives import lay_out, read_archive, safe_path, write_tar

_LARGE = {"bytes_max": 10_000_000, "files_max": 1_000}


def made(*members: tuple[str, bytes, str, str], mode: int = 0o644) -> bytes:
    """A tar archive of (name, kind, link, content)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind, link, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, link, mode
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content.encode()))
    return out.getvalue()


def zipped(names: dict[str, bytes], modes: dict[str, int] | None = None) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (modes or {}).get(name, stat.S_IFREG | 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


@pytest.mark.parametrize("name", ["/etc/cron.d/x", "../x", "a/../../x", "a/./../../b", "C:\\x", "a\x07b", "..", "x" * 300])
def test_name_that_leads_outside_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="names must be relative"):
        read_archive("a.tar", made((name, tarfile.REGTYPE, "", "x")), **_LARGE)
    if "\\" not in name:
        with pytest.raises(Invalid):
            read_archive("a.zip", zipped({name: b"x"}), **_LARGE)


def test_link_inside_becomes_a_copy() -> None:
    archive = made(
        ("p/a.c", tarfile.REGTYPE, "", "int a;"), ("p/b.c", tarfile.SYMTYPE, "a.c", ""), ("p/c.c", tarfile.LNKTYPE, "p/a.c", ""),
        ("q", tarfile.SYMTYPE, "p", ""),
    )
    a = (b"int a;", False)
    assert read_archive("a.tar", archive, **_LARGE) == {"p/a.c": a, "p/b.c": a, "p/c.c": a, "q/a.c": a, "q/b.c": a, "q/c.c": a}


@pytest.mark.parametrize(
    ("kind", "target", "said"),
    [
        (tarfile.SYMTYPE, "/etc/shadow", "link to what is not in it"), (tarfile.SYMTYPE, "../../../etc/shadow", "link to what is not in it"),
        (tarfile.LNKTYPE, "/etc/shadow", "link to what is not in it"), (tarfile.SYMTYPE, "link", "in a circle"),
        (tarfile.SYMTYPE, ".", "in a circle"), (tarfile.SYMTYPE, "nowhere", "link to what is not in it"),
    ],
)
def test_link_that_leads_outside_or_nowhere_is_refused(kind: bytes, target: str, said: str) -> None:
    archive = made(("d/link", kind, target, ""), ("d/a", tarfile.REGTYPE, "", "x"))
    with pytest.raises(Invalid, match=said):
        read_archive("a.tar", archive, **_LARGE)


def test_link_and_then_a_file_through_it_stays_below(tmp_path: Path) -> None:
    archive = made(("d", tarfile.SYMTYPE, str(tmp_path), ""), ("d/x", tarfile.REGTYPE, "", "x"))
    with pytest.raises(Invalid, match=r"link to what is not in it|as a file and as a folder|in a circle"):
        read_archive("a.tar", archive, **_LARGE)
    assert list(tmp_path.iterdir()) == []


def test_devices_and_pipes_are_left_out_and_set_user_bits_lost(tmp_path: Path) -> None:
    archive = made(
        ("dev", tarfile.CHRTYPE, "", ""), ("disk", tarfile.BLKTYPE, "", ""), ("pipe", tarfile.FIFOTYPE, "", ""),
        ("run.sh", tarfile.REGTYPE, "", "x"), mode=0o6755,
    )
    tree = read_archive("a.tar", archive, **_LARGE)
    assert tree == {"run.sh": (b"x", True)}
    lay_out(tree, tmp_path)
    assert stat.S_IMODE((tmp_path / "run.sh").stat().st_mode) == 0o755


def test_bomb_is_stopped_by_what_comes_out_and_not_by_what_it_says() -> None:
    bomb = zipped({"zeros": bytes(30_000_000)})
    assert len(bomb) < 50_000
    with pytest.raises(Invalid, match="unpacks to more than 10000000 bytes"):
        read_archive("a.zip", bomb, **_LARGE)
    lying = bomb.replace((30_000_000).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    with pytest.raises(Invalid):
        read_archive("a.zip", lying, **_LARGE)
    squeezed = io.BytesIO()
    with tarfile.open(fileobj=squeezed, mode="w:xz") as archive:
        info = tarfile.TarInfo("zeros")
        info.size = 50_000_000
        archive.addfile(info, io.BytesIO(bytes(info.size)))
    with pytest.raises(Invalid, match="unpacks to more than"):
        read_archive("a.tar.xz", squeezed.getvalue(), **_LARGE)


def test_long_name_header_that_inflates_is_counted() -> None:
    import gzip

    info = tarfile.TarInfo("x" * 90)
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 40_000_000
    with pytest.raises(Invalid):
        read_archive("a.tar.gz", gzip.compress(info.tobuf() + b"a" * info.size), **_LARGE)


@pytest.mark.parametrize("kind", [b"x", b"g"])
def test_extended_header_of_digits_without_end_is_refused_before_anybody_searches_it(kind: bytes) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = kind, 40_000
    body = b"1" * info.size
    with pytest.raises(Invalid, match="a number of more than 64 digits"):
        read_archive("a.tar", info.tobuf() + body + bytes(-len(body) % 512), **_LARGE)


def test_release_with_long_names_and_times_is_read() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "1f0c2e" * 6}) as archive:
        info = tarfile.TarInfo("a/" + "b" * 150 + ".c")
        info.size, info.mtime = 3, 1_700_000_000.123456
        archive.addfile(info, io.BytesIO(b"int"))
    assert read_archive("a.tar", out.getvalue(), **_LARGE) == {"a/" + "b" * 150 + ".c": (b"int", False)}


def test_too_many_files_are_refused() -> None:
    many = made(*((f"f{number}", tarfile.REGTYPE, "", "") for number in range(1_100)))
    with pytest.raises(Invalid, match="more than 1000 files"):
        read_archive("a.tar", many, **_LARGE)


def test_links_cannot_multiply_what_is_in_it() -> None:
    members = [("a/f", tarfile.REGTYPE, "", "x" * 1000)]
    members += [(f"{name}/{number}", tarfile.SYMTYPE, f"../{below}", "") for below, name in zip("abcde", "bcdef", strict=True) for number in range(10)]
    with pytest.raises(Invalid, match=r"more than|circle"):
        read_archive("a.tar", made(*members), bytes_max=1_000_000, files_max=2_000)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08broken", b"PK\x03\x04" + b"\0" * 40, b"BZh9" + b"x" * 20, b"\xfd7zXZ\x00" + b"x" * 9])
@pytest.mark.parametrize("name", ["a.tar", "a.zip"])
def test_what_is_no_archive_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(Invalid, match="cannot be unpacked"):
        read_archive(name, content, **_LARGE)


def test_file_that_is_a_folder_too_is_refused() -> None:
    with pytest.raises(Invalid, match="as a file and as a folder"):
        read_archive("a.zip", zipped({"a": b"", "a/b": b""}), **_LARGE)


@given(st.dictionaries(st.text("abc/.", min_size=1, max_size=12), st.binary(max_size=20), max_size=6), st.booleans())
def test_whatever_is_unpacked_lies_below(files: dict[str, bytes], as_zip: bool) -> None:
    archive = zipped(files) if as_zip else made(*((name, tarfile.REGTYPE, "", content.hex()) for name, content in files.items()))
    try:
        tree = read_archive("a.zip" if as_zip else "a.tar", archive, **_LARGE)
    except Invalid:
        return
    for name in tree:
        assert safe_path(name) == name
    assert read_archive("b.tar", write_tar(tree), **_LARGE) == tree
