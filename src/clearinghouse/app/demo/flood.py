"""Writes the flood from a seed: files as eight finders would send them, and the truth kept apart from them."""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clearinghouse.app.demo import finders
from clearinghouse.app.demo.flaws import FLAWS, Flaw

SEED = 14409
_START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


@dataclass
class Flood:
    """What was written."""

    folder: Path
    files: list[tuple[str, Path, str]] = field(default_factory=list)
    """(finder, file, format) in the order of sending."""
    truth: dict[tuple[str, int], str] = field(default_factory=dict)
    """(file name, number of the item) to the flaw it is about. Only the scorer reads it."""


def write_flood(folder: Path, seed: int = SEED) -> Flood:
    """Write the files of the flood into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)  # noqa: S311 - made-up data, nothing is kept secret by it
    flood = Flood(folder)
    by_key = {flaw.key: flaw for flaw in FLAWS}

    def put(finder: str, name: str, kind: str, content: str | bytes, keys: list[str]) -> None:
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        flood.files.append((finder, path, kind))
        flood.truth.update({(name, number): key for number, key in enumerate(keys)})

    def some(keys: str) -> list[Flaw]:
        chosen = [by_key[key] for key in keys.split()]
        chance.shuffle(chosen)
        return chosen

    def when(day: int) -> datetime:
        return _START + timedelta(days=day, minutes=chance.randrange(600))

    chosen = some("palette text rows frame huffman scale")
    put("Northlight scanner", "northlight.sarif", "SARIF", finders.sarif("Northlight", "4.2.0", chosen, chance, 0), _keys(chosen))
    chosen = some("palette rows strip skip export frame")
    put("Quarry analyzer", "quarry.sarif", "SARIF", finders.sarif("Quarry", "11.1", chosen, chance, 1), _keys(chosen))
    chosen = some("palette text rows scale frame skip strip export huffman")
    put("Lab One agents", "lab-one.ndjson", "NDJSON", finders.ndjson(chosen, chance, when(3), "heron-2", "sweeper 0.9"), _keys(chosen))
    chosen = some("palette text frame huffman export skip scale")
    put("Lab Two agents", "lab-two.ndjson", "NDJSON", finders.ndjson_terse(chosen, chance, when(4), "osprey-large"), _keys(chosen))
    for key in ("palette", "frame"):
        flaw = by_key[key]
        put("A. Researcher", f"mail-{key}.eml", "mail", finders.mail(flaw, chance, when(5)), [key])
    for key in ("huffman", "export"):
        put("B. Reviewer", f"advisory-{key}.md", "Markdown", finders.markdown(by_key[key], chance, when(6)), [key])
    for key in ("palette", "rows", "huffman", "strip"):
        put("Fuzz farm", f"crash-{key}.log", "sanitizer log", finders.crash_log(by_key[key], chance), [key])
    chosen = some("text strip")
    put("Downstream distribution", "downstream.osv.json", "OSV", json.dumps(
        [finders.osv(flaw, chance, when(8), number) for number, flaw in enumerate(chosen)], indent=1
    ), _keys(chosen))
    cve = by_key["rows"]
    put("Downstream distribution", "CVE-2026-99901.json", "CVE JSON", json.dumps(finders.cve(cve, chance, when(9)), indent=1), ["rows"])
    put("Somebody hostile", "hostile.json", "hostile", finders.hostile(), [])
    return flood


def score(truth: dict[Any, str], cluster: dict[Any, int]) -> dict[str, float]:
    """Pairwise precision and recall of clusters against the truth; an item without a cluster stands alone."""
    keys = sorted(truth)
    pairs = [(a, b) for i, a in enumerate(keys) for b in keys[i + 1 :]]
    same = {(a, b) for a, b in pairs if truth[a] == truth[b]}
    said = {(a, b) for a, b in pairs if cluster.get(a) is not None and cluster.get(a) == cluster.get(b)}
    hit = len(same & said)
    return {
        "reports": len(keys), "flaws": len(set(truth.values())), "pairs": len(same), "joined_pairs": len(said),
        "precision": hit / len(said) if said else 1.0, "recall": hit / len(same) if same else 1.0,
    }


def _keys(chosen: list[Flaw]) -> list[str]:
    return [flaw.key for flaw in chosen]
