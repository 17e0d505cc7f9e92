"""An edge as an in-toto statement: which cells it rests on, what was measured of the patches. Deconfliction keeps its digest."""

import hashlib
from typing import Any

import rfc8785

from clearinghouse.disclosure.validation.evidence.statement import STATEMENT_TYPE
from clearinghouse.disclosure.validation.matrix.records import Edge
from clearinghouse.disclosure.validation.matrix.running import Matrix

PREDICATE_TYPE = "https://clearinghouse.invalid/execution-edge/v1"
"""Ours alone: no published predicate speaks of two reports. `.invalid` belongs to nobody (RFC 6761)."""


def statement_of_edge(edge: Edge, matrix: Matrix) -> dict[str, Any]:
    """The statement of an edge, as plain values. It is a function of what was run, so the same runs have the same digest."""
    patches = {patch.id: patch for patch in matrix.patches}
    columns = {column.id: column for column in matrix.columns}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": f"patch {name}", "digest": {"sha256": columns[name].digest.removeprefix("sha256:")}} for name in edge.patches if name in columns
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "reports": [edge.one, edge.other], "strength": edge.strength.value, "component": edge.component,
            "guards": [guard.value for guard in edge.guards], "similarity": f"{edge.similarity:.6f}",
            "cells": [
                {"reproducer": row, "patch": column, "state": matrix.cells[row, column].state.value, "key": matrix.cells[row, column].digest}
                for row, column in edge.cells if (row, column) in matrix.cells
            ],
            "patches": [
                {
                    "name": name, "supplier": patches[name].supplier.value, "builds": patches[name].builds,
                    "testsEqual": patches[name].tests_equal, "benignEqual": patches[name].benign_equal,
                    "coverageShare": None if patches[name].coverage_share is None else f"{patches[name].coverage_share:.6f}",
                    "minimal": patches[name].minimal, "partOf": patches[name].part_of,
                } for name in edge.patches if name in patches
            ],
        },
    }


def digest_of_edge(edge: Edge, matrix: Matrix) -> str:
    """`sha256:HEX` of an edge's statement in canonical form."""
    return "sha256:" + hashlib.sha256(rfc8785.dumps(statement_of_edge(edge, matrix))).hexdigest()
