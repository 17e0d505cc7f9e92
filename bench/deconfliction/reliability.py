"""Is a probability worth what it says: calibration, its error by cross-fitting, and the picture of it.

The error is measured on each left-out source with a calibration fitted on the other left-out sources, so that no
pair is judged by a calibration that saw its source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10
DOUBTFUL = 0.05
_KNOTS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Raw probabilities of pairs whose answer is known."""

    raw: NDArray[np.float64]
    same: NDArray[np.integer]
    groups: NDArray[np.integer]
    """Which left-out source a pair was scored without."""


def calibration(raw: NDArray[np.float64], same: NDArray[np.integer]) -> list[list[float]]:
    """A rising, piecewise linear map from raw probability to the part of pairs that are the same.

    Pool adjacent violators on equally filled bins, so that no single pair makes a step.
    """
    order = np.argsort(raw, kind="stable")
    bins = [part for part in np.array_split(order, _KNOTS * 2) if len(part)]
    # The upper end decides about joins without a person: it gets bins of its own.
    top = order[-max(1, len(order) // (_KNOTS * 2)) :]
    bins = [*bins[:-1], *[part for part in np.array_split(top, 3) if len(part)]]
    blocks: list[list[float]] = []
    for part in bins:
        blocks.append([float(raw[part].mean()), float(same[part].sum() + 0.25), float(len(part) + 0.5)])
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][2] >= blocks[-1][1] / blocks[-1][2]:
            where, hits, size = blocks.pop()
            last = blocks[-1]
            last[0] = (last[0] * last[2] + where * size) / (last[2] + size)
            last[1], last[2] = last[1] + hits, last[2] + size
    knots = [[0.0, 0.0], *([where, hits / size] for where, hits, size in blocks), [1.0, 0.999]]
    return [[round(x, 6) for x, _ in knots], [round(min(y, 0.999), 6) for _, y in knots]]


def measure(views: Mapping[str, Predictions]) -> dict[str, Any]:
    """For each view the calibration error by cross-fitting over left-out sources, and the points of its curve.

    `ece` is over all pairs the first stage let through, most of them near 0; `ece_doubtful` over those said to be
    `DOUBTFUL` or more, which is the harder question.
    """
    said: dict[str, list[NDArray[np.float64]]] = {name: [] for name in views}
    same: dict[str, list[NDArray[np.integer]]] = {name: [] for name in views}
    for name, view in views.items():
        for group in np.unique(view.groups):
            mine = view.groups == group
            knots = calibration(view.raw[~mine], view.same[~mine])
            said[name].append(np.interp(view.raw[mine], knots[0], knots[1]))
            same[name].append(view.same[mine])
    return {name: error(np.concatenate(said[name]), np.concatenate(same[name])) for name in views}


def error(said: NDArray[np.float64], same: NDArray[np.integer]) -> dict[str, Any]:
    """Expected calibration error over `BINS` bins of equal width, and each bin: mean said, part that was the same, pairs."""
    points = []
    for at in range(BINS):
        inside = (said >= at / BINS) & ((said < (at + 1) / BINS) | (at == BINS - 1))
        if inside.any():
            points.append([round(float(said[inside].mean()), 4), round(float(same[inside].mean()), 4), int(inside.sum())])
    doubtful = said >= DOUBTFUL
    return {
        "ece": sum(size * abs(mean - part) for mean, part, size in points) / max(len(said), 1),
        "ece_doubtful": _binned(said[doubtful], same[doubtful]), "points": points,
    }


def _binned(said: NDArray[np.float64], same: NDArray[np.integer]) -> float:
    places = np.minimum((said * BINS).astype(int), BINS - 1)
    count = np.bincount(places, minlength=BINS)
    off = np.abs(np.bincount(places, said, BINS) - np.bincount(places, same, BINS))
    return float(off.sum() / max(count.sum(), 1))


def plot(measured: Mapping[str, Any]) -> str:
    """The reliability picture: what is said against what was so, the size of a dot for the pairs behind it."""
    side, margin = 320, 48
    names = {"entries": "database of both known", "reports": "no database known"}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side + 2 * margin} {side + 2 * margin}" role="img" '
        'aria-label="Reliability: the part of pairs that were the same, by the probability said" font-family="sans-serif" '
        'font-size="11"><rect width="100%" height="100%" fill="#fff"/>',
    ]
    for tick in range(0, 11, 2):
        at = margin + side * tick / 10
        parts.append(
            f'<path d="M{at:.0f} {margin}V{margin + side}M{margin} {at:.0f}H{margin + side}" stroke="#ddd" fill="none"/>'
            f'<text x="{at:.0f}" y="{margin + side + 16}" text-anchor="middle">{tick / 10:.1f}</text>'
            f'<text x="{margin - 8}" y="{margin + side - side * tick / 10 + 4:.0f}" text-anchor="end">{tick / 10:.1f}</text>'
        )
    parts.append(f'<path d="M{margin} {margin + side}L{margin + side} {margin}" stroke="#999" stroke-dasharray="4 4"/>')
    for place, (name, colour) in enumerate((("entries", "#1b5e9b"), ("reports", "#b3541e"))):
        points = [(margin + side * mean, margin + side * (1 - part), size) for mean, part, size in measured[name]["points"]]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + np.log10(size):.1f}" fill="{colour}"/>' for x, y, size in points]
        parts.append(
            f'<text x="{margin + 10}" y="{margin + 16 + 16 * place}" fill="{colour}">{names[name]}: error '
            f'{measured[name]["ece"]:.3f}, {measured[name]["ece_doubtful"]:.3f} from {DOUBTFUL} up</text>'
        )
    middle = margin + side / 2
    parts.append(f'<text x="{middle:.0f}" y="{margin + side + 36}" text-anchor="middle">probability said</text>')
    parts.append(
        f'<text x="14" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 14 {middle:.0f})">part that was the same</text>'
    )
    return "".join(parts) + "</svg>\n"
