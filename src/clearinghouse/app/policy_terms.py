"""The tables `[terms.ID]` and `[duties.ID]` of a policy document: terms of an embargo and duties beside it, as records."""

import dataclasses
import re
import types
import typing
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from clearinghouse.core.clock import parse_instant, render_instant
from clearinghouse.core.errors import Invalid
from clearinghouse.core.terms import Duty, Rank, Terms, complaint_about_duty, complaint_about_terms

_T = TypeVar("_T", Terms, Duty)
_ID = re.compile(r"[a-z][a-z0-9-]{1,47}")
_TEXT_CHARACTERS_MAX = 400
_NUMBER_MAX = 100_000
_NOT_IN_A_POLICY = frozenset({"id", "party", "ends_at"})


def parse_terms(tables: Any) -> tuple[Terms, ...]:
    """The terms of a policy, in order of their ids.

    Raises:
        Invalid: one has a field that is unknown, missing or of another kind, or no default (rank f) is left.
    """
    found = _parse(Terms, tables, "terms")
    for terms in found:
        if complaint := complaint_about_terms(terms):
            raise Invalid(f"policy [terms.{terms.id}]: {complaint}")
    if not any(terms.rank is Rank.DEFAULT for terms in found):
        raise Invalid("policy [terms]: one must have rank f, the default of this instance; without it a case could have no clock at all")
    return found


def parse_duties(tables: Any) -> tuple[Duty, ...]:
    """The duties of a policy, in order of their ids.

    Raises:
        Invalid: as for `parse_terms`.
    """
    found = _parse(Duty, tables, "duties")
    for duty in found:
        if complaint := complaint_about_duty(duty):
            raise Invalid(f"policy [duties.{duty.id}]: {complaint}")
    return found


def _parse(kind: type[_T], tables: Any, name: str) -> tuple[_T, ...]:
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise Invalid(f"policy [{name}] holds one table for each, such as [{name}.some-name]")
    hints = typing.get_type_hints(kind)
    known = {field.name: field for field in dataclasses.fields(kind) if field.name not in _NOT_IN_A_POLICY}
    needed = {key for key, field in known.items() if field.default is dataclasses.MISSING} | {"why"}
    made = []
    for key, table in sorted(tables.items()):
        if not _ID.fullmatch(key):
            raise Invalid(f"policy [{name}]: an id is 2 to 48 lower-case letters, digits and hyphens; found {key[:60]!r}")
        missing, unknown = sorted(needed - set(table)), sorted(set(table) - set(known))
        if missing or unknown:
            raise Invalid(f"policy [{name}.{key}]: missing {', '.join(missing) or 'nothing'}; unknown {', '.join(unknown) or 'nothing'}")
        fields = {field: _value(hints[field], value, f"policy [{name}.{key}] {field}") for field, value in table.items()}
        made.append(kind(id=key, **fields))
    return tuple(made)


def _value(hint: Any, value: Any, where: str) -> Any:
    kinds = [one for one in (typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)) if one is not type(None)]
    kind = kinds[0]
    if kind is bool and isinstance(value, bool):
        return value
    if kind is int and isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _NUMBER_MAX:
        return value
    if kind is datetime and isinstance(value, datetime) and value.tzinfo is not None:
        return parse_instant(render_instant(value))
    if issubclass(kind, StrEnum) and isinstance(value, str):
        if value in set(kind):
            return kind(value)
        raise Invalid(f"{where} must be one of {', '.join(kind)}; found {value[:60]!r}")
    if kind is str and isinstance(value, str) and value.strip() and len(value) <= _TEXT_CHARACTERS_MAX:
        if where.endswith(" source") and not value.startswith(("https://", "http://")):
            raise Invalid(f"{where} must be the address where the holder publishes it")
        return value
    wanted = {bool: "true or false", int: f"a whole number from 0 to {_NUMBER_MAX}", datetime: "a date-time with a zone"}
    raise Invalid(f"{where} must be {wanted.get(kind, f'a text of at most {_TEXT_CHARACTERS_MAX} characters')}; found {value!r}")
