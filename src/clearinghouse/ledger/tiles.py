"""Where a tile stands in a published log: `tile/<L>/<N>[.p/<W>]` (c2sp.org/tlog-tiles)."""

import re
from dataclasses import dataclass

from clearinghouse.core.errors import Invalid

TILE_WIDTH = 256
_LEVEL_MAX = 63
_PATH = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True, order=True)
class TilePlace:
    """A tile of a tree of some size."""

    level: int
    number: int
    width: int
    """How many hashes it holds: 256 if full, fewer at the right edge."""

    def render(self) -> str:
        """The path under the log's prefix, such as `tile/0/x001/x234/067` or `tile/1/000.p/17`."""
        digits = f"{self.number:d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        path = f"tile/{self.level}/" + "".join(f"x{group}/" for group in groups[:-1]) + groups[-1]
        return path if self.width == TILE_WIDTH else f"{path}.p/{self.width}"


def parse_tile_path(untrusted_path: str) -> TilePlace:
    """The tile of a path in its one right spelling.

    Raises:
        Invalid: it has another form.
    """
    matched = _PATH.fullmatch(untrusted_path)
    if matched is not None:
        number = int(matched[2].replace("x", "").replace("/", ""))
        place = TilePlace(int(matched[1]), number, int(matched[3] or TILE_WIDTH))
        # A second spelling (`x000/001`, `.p/256`) would be a second resource for the same bytes.
        if place.level <= _LEVEL_MAX and place.render() == untrusted_path:
            return place
    raise Invalid(f"the path of a tile reads tile/LEVEL/NUMBER or tile/LEVEL/NUMBER.p/WIDTH; found {untrusted_path[:60]!r}")


def tiles_of(size: int) -> list[TilePlace]:
    """Every tile of a tree of `size` leaves, by level and from left to right; empty ones do not exist."""
    places = []
    level, hashes = 0, size
    while hashes:
        full, rest = divmod(hashes, TILE_WIDTH)
        places += [TilePlace(level, number, TILE_WIDTH) for number in range(full)]
        if rest:
            places.append(TilePlace(level, full, rest))
        level, hashes = level + 1, full
    return places
