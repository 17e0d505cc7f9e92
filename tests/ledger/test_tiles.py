import pytest
from hypothesis import given
from hypothesis import strategies as st

from clearinghouse.core.errors import Invalid
from clearinghouse.ledger import tree
from clearinghouse.ledger.tiles import TilePlace, parse_tile_path, tiles_of


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (TilePlace(0, 0, 256), "tile/0/000"),
        (TilePlace(0, 999, 256), "tile/0/999"),
        (TilePlace(0, 1000, 256), "tile/0/x001/000"),
        (TilePlace(0, 1234067, 256), "tile/0/x001/x234/067"),  # the example of tlog-tiles
        (TilePlace(1, 1, 17), "tile/1/001.p/17"),
        (TilePlace(63, 5, 1), "tile/63/005.p/1"),
    ],
)
def test_path_of_a_tile(place: TilePlace, path: str) -> None:
    assert place.render() == path
    assert parse_tile_path(path) == place


@given(st.builds(TilePlace, st.integers(0, 63), st.integers(0, (1 << 55) - 1), st.integers(1, 256)))
def test_every_path_reads_back(place: TilePlace) -> None:
    assert parse_tile_path(place.render()) == place


@pytest.mark.parametrize(
    "path",
    ["", "tile/0/0", "tile/00/000", "tile/64/000", "tile/0/x000/001", "tile/0/001/000", "tile/0/x001", "tile/0/000.p/0",
     "tile/0/000.p/256", "tile/0/000.p/01", "tile/-1/000", "tile/0/000\n", "/tile/0/000", "tile/0/../000", "tile/0/\u0660\u0660\u0660"],
)
def test_path_of_another_form_is_refused(path: str) -> None:
    with pytest.raises(Invalid, match="the path of a tile reads tile/LEVEL/NUMBER"):
        parse_tile_path(path)


def test_tiles_of_the_published_example() -> None:
    """tlog-tiles: 70,000 leaves make 273 full tiles and one of 112, one full and one of 17, and one of 1."""
    places = tiles_of(70_000)
    assert [place for place in places if place.width < 256] == [TilePlace(0, 273, 112), TilePlace(1, 1, 17), TilePlace(2, 0, 1)]
    assert [sum(place.level == level and place.width == 256 for place in places) for level in range(3)] == [273, 1, 0]


def test_tiles_of_exactly_one_tile() -> None:
    """tlog-tiles: 256 leaves make a full tile and a partial one of width 1 above it."""
    assert tiles_of(256) == [TilePlace(0, 0, 256), TilePlace(1, 0, 1)]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536, 66_000])
def test_tiles_of_a_tree_are_those_that_growing_it_makes(size: int) -> None:
    grown = tree.extend(lambda level, number: b"", 0, [bytes(32)] * size)
    assert {(place.level, place.number): place.width for place in tiles_of(size)} == {
        place: len(content) // 32 for place, content in grown.items()
    }
