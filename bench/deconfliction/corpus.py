"""Reads a corpus of vulnerability records and turns its rows into findings."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clearinghouse.core.product import normalise_package
from clearinghouse.disclosure.intake.records import Finding, Reference, ReferenceKind, SeverityClaim, VersionRange


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one record; read by training and scoring alone."""

    id: str
    component: str | None
    hard: bool
    fold: int
    unscored: str | None
    related: tuple[str, ...]


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a file of JSON lines, gzipped or not."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def read_truth(path: Path) -> dict[str, Truth]:
    """Truth by record id."""
    return {
        row["id"]: Truth(row["id"], row["component"], bool(row["hard"]), int(row.get("fold", 0)), row.get("unscored"),
                         tuple(row.get("related") or ()))
        for row in read_lines(path)
    }


def digest(path: Path) -> str:
    """`sha256:HEX` of a corpus file's uncompressed bytes: the same for every way of packing it."""
    found = hashlib.sha256()
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as content:
        while block := content.read(1 << 20):
            found.update(block)
    return "sha256:" + found.hexdigest()


def finding_of(row: dict[str, Any]) -> Finding:
    """The finding a corpus row stands for."""
    severity = row.get("severity") or {}
    vector = severity.get("cvss") or ""
    claims = []
    if vector or severity.get("label"):
        scheme = vector.split("/", 1)[0] if vector.startswith("CVSS:") else "label"
        claims.append(SeverityClaim(scheme, vector=vector, label=severity.get("label") or ""))
    introduced, fixed, affected = (tuple(row.get(name) or ()) for name in ("introduced", "fixed", "affected"))
    published = row.get("published")
    return Finding(
        title=row.get("summary") or "",
        description=row.get("details") or "",
        packages=tuple(normalise_package(system, name) for system, name in row.get("packages") or ()),
        products=tuple(row.get("products") or ()),
        ranges=(VersionRange(introduced=introduced, fixed=fixed, versions=affected),) if introduced or fixed or affected else (),
        references=tuple(Reference(link["url"], ReferenceKind(link["kind"])) for link in row.get("references") or ()),
        weaknesses=tuple(row.get("cwe") or ()),
        severities=tuple(claims),
        symbols=tuple(row.get("symbols") or ()),
        published_at=datetime.fromisoformat(published).replace(tzinfo=UTC) if published else None,
        catalogue=row.get("source") or "", entry=str(row["id"]) if row.get("source") else "",
    )
