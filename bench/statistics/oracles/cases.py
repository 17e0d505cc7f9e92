"""Values in clusters on which programs are compared: standard library alone, so that every oracle's environment can read it."""

import random


def cases() -> list[dict[str, object]]:
    """Named lists of values with their clusters: even and uneven families, few and many, all alike, halves beside ones."""
    found: list[dict[str, object]] = []
    for name, families, items, spread, seed in (
        ("even", 40, 5, 0.25, 1), ("uneven", 17, 9, 0.3, 2), ("few", 3, 4, 0.2, 3), ("alike", 12, 6, 0.0, 4), ("large", 120, 8, 0.35, 5),
    ):
        draw = random.Random(seed)  # noqa: S311 -- numbers for a comparison, no secret
        values: list[float] = []
        clusters: list[int] = []
        for family in range(families):
            chance = min(0.97, max(0.03, draw.gauss(0.5, spread)))
            for _ in range(items if name != "uneven" else draw.randint(1, items)):
                values.append(float(draw.random() < chance))
                clusters.append(family)
        found.append({"name": name, "values": values, "clusters": clusters})
    return found
