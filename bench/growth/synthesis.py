"""Made-up records that keep the words, the field coverage and the rate of duplicates of a corpus, without copying a row.

A flaw is a product of the corpus and sentences of two donor records, with numbers changed; the records of one
flaw share most sentences, in another order and with some left out. Group sizes follow the corpus.
"""

import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_NUMBER = re.compile(r"\d+")
_SIZES = ((1, 0.52), (2, 0.80), (3, 0.94), (4, 0.98), (6, 1.0))
"""Share of flaws with at most so many records, as in the corpus the project measures on."""
_FALLBACK = [
    {"summary": f"{kind} in {part} of {name}", "details": f"The {part} of {name} mishandles {what}. A remote attacker may use this for {end}. "
     f"It is reached through {part}_{verb}() when {what} is larger than expected.", "packages": [["PyPI", name]], "cwe": [], "references": []}
    for kind, end in (("Buffer overflow", "code execution"), ("Cross-site scripting", "script injection"), ("Path traversal", "reading files"))
    for part, verb in (("parser", "read"), ("upload form", "store"), ("decoder", "next"), ("exporter", "write"))
    for name in ("alder", "birch", "cedar", "damson", "elder") for what in ("a header field", "a file name", "an archive entry")
]


def read_donors(corpus: Path | None, limit: int = 20_000) -> list[dict[str, Any]]:
    """Records to take words from: of the corpus, or a few of our own where there is none."""
    if corpus is None:
        return _FALLBACK
    from bench.deconfliction.corpus import read_lines

    donors = [row for row, _ in zip(read_lines(corpus), range(limit), strict=False)]
    return [row for row in donors if row.get("details")] or _FALLBACK


def synthesise(donors: Sequence[dict[str, Any]], count: int, seed: int) -> Iterator[bytes]:
    """`count` lines of our own format."""
    chance = random.Random(seed)  # noqa: S311 - measurements must be repeatable
    made = 0
    while made < count:
        draw = chance.random()
        size = next(most for most, share in _SIZES if draw <= share)
        base, other, product = (chance.choice(donors) for _ in range(3))
        sentences = [_change(text, chance) for text in (*_cut(base), *_cut(other)[:3]) if text.strip()]
        chance.shuffle(sentences)
        title = _change(str(base.get("summary") or sentences[0] if sentences else "flaw"), chance)
        for number in range(min(size, count - made)):
            kept = [text for text in sentences if number == 0 or chance.random() < 0.75] or sentences
            if number:
                chance.shuffle(kept)
            row = {
                "id": f"S{seed}-{made}", "summary": title if chance.random() < 0.6 else "", "details": " ".join(kept)[:4000],
                "packages": product.get("packages") or [], "products": product.get("products") or [],
                "cwe": base.get("cwe") or [], "published": product.get("published"),
                "fixed": [_change(str(version), random.Random(seed + made)) for version in (base.get("fixed") or [])[:3]],  # noqa: S311
            }
            made += 1
            yield json.dumps(row).encode()


def _cut(row: dict[str, Any]) -> list[str]:
    return _SENTENCE.split(str(row.get("details", ""))[:1500])[:8]


def _change(text: str, chance: random.Random) -> str:
    return _NUMBER.sub(lambda found: str(chance.randrange(10 ** min(len(found[0]), 6))), text)
