"""Where an instance lives, and the policy it runs under.

Everything local lies under one folder, `$CLEARINGHOUSE_HOME`:

    clearinghouse.toml   settings
    clearinghouse.db     the database, unless `database_url` names another
    keys/                instance key, ledger key, OpenPGP keys: never in the database
    witness/             the last signed checkpoint; better on another volume (`witness_path`)
"""

import math
import os
import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.core.policy import (
    DeconflictionThresholds,
    IntakeLimits,
    NoticePolicy,
    OutwardLimits,
    Policy,
    SettlingPolicy,
    WorkerPolicy,
)

_T = TypeVar("_T")
_LARGEST = 10**15  # so that every number fits every column and clock; not a policy
_DAY_SECONDS = 86_400
_FIRST_TABLES = {"intake", "deconfliction", "settling"}
_KNOWN = {"database_url", "ledger_origin", "witness_path", "actor"}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are."""

    home: Path
    database_url: str
    ledger_origin: str
    """Name of the log, first line of each checkpoint; without spaces or plus signs."""
    witness_path: Path
    actor: str
    """Party that the command line acts as."""

    @property
    def instance_key_path(self) -> Path:
        """Key that wraps the data keys."""
        return self.home / "keys" / "instance.key"

    @property
    def ledger_key_path(self) -> Path:
        """Ed25519 seed that signs checkpoints."""
        return self.home / "keys" / "ledger.key"

    @property
    def openpgp_folder(self) -> Path:
        """OpenPGP secret keys for encrypted mail, one file each."""
        return self.home / "keys" / "openpgp"


def home_folder(environment: dict[str, str] | None = None) -> Path:
    """`$CLEARINGHOUSE_HOME`, or the platform's data folder."""
    given = (os.environ if environment is None else environment).get("CLEARINGHOUSE_HOME", "")
    return Path(given).expanduser().absolute() if given else Path(platformdirs.user_data_dir("clearinghouse"))


def load_settings(home: Path) -> Settings:
    """The settings of an instance.

    Raises:
        Unavailable: there is no instance in this folder.
        Invalid: the file is no TOML or has unknown names.
    """
    path = home / "clearinghouse.toml"
    try:
        document = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise Unavailable(f"no instance in {home}; `clearinghouse init` makes one, `clearinghouse demo` shows one") from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"cannot read {path}: {error}") from error
    unknown = sorted(set(document) - _KNOWN)
    if unknown:
        raise Invalid(f"{path} has unknown settings {', '.join(unknown)}; known are {', '.join(sorted(_KNOWN))}")
    witness = Path(str(document.get("witness_path", "witness/checkpoint")))
    return Settings(
        home, str(os.environ.get("CLEARINGHOUSE_DATABASE_URL") or document.get("database_url") or default_url(home)),
        str(document.get("ledger_origin", "clearinghouse.local")),
        witness if witness.is_absolute() else home / witness, str(document.get("actor", "")),
    )


def default_url(home: Path) -> str:
    """The embedded database of an instance."""
    return f"sqlite:///{home / 'clearinghouse.db'}"


def render_settings(*, database_url: str | None, ledger_origin: str, actor: str) -> str:
    """The text of a settings file."""
    lines = [f"ledger_origin = {_quote(ledger_origin)}", f"actor = {_quote(actor)}"]
    if database_url is not None:
        lines.insert(0, f"database_url = {_quote(database_url)}")
    return "\n".join(lines) + "\n"


def default_policy_document() -> str:
    """The policy that a fresh instance puts in force."""
    return (resources.files("clearinghouse.app") / "policies" / "default.toml").read_text()


def parse_policy(version: int, document: str) -> Policy:
    """The policy of a TOML document.

    Raises:
        Invalid: a number is missing, of another type, negative, or unknown.
    """
    try:
        tables = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"the policy is no TOML: {error}") from error
    shipped = tomllib.loads(default_policy_document())
    unknown = sorted(set(tables) - set(shipped))
    if unknown:
        raise Invalid(f"the policy has unknown tables {', '.join(unknown)}; known are {', '.join(sorted(shipped))}")
    # A document written before a table existed says nothing of it: the shipped numbers stand until it does.
    tables = {name: {} if name in _FIRST_TABLES else table for name, table in shipped.items()} | tables
    found = Policy(
        version, _table(IntakeLimits, tables["intake"], "intake"),
        _table(DeconflictionThresholds, tables["deconfliction"], "deconfliction"),
        _table(SettlingPolicy, tables["settling"], "settling"),
        outward=_table(OutwardLimits, tables["outward"], "outward"), notices=_table(NoticePolicy, tables["notices"], "notices"),
        worker=_table(WorkerPolicy, tables["worker"], "worker"),
    )
    words = found.deconfliction
    if words.ask_probability_min > words.join_probability_min:
        raise Invalid("policy [deconfliction] ask_probability_min must not be above join_probability_min: what is joined is also asked about")
    if words.candidates_shown_max > words.candidates_max:
        raise Invalid("policy [deconfliction] candidates_shown_max must not be above candidates_max: what is shown was compared")
    return found


def _table(kind: type[_T], table: dict[str, Any], name: str) -> _T:
    wanted = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
    missing, unknown = sorted(set(wanted) - set(table)), sorted(set(table) - set(wanted))
    if missing or unknown:
        lists = f"missing {', '.join(missing) or 'nothing'}; unknown {', '.join(unknown) or 'nothing'}"
        raise Invalid(f"policy table [{name}]: {lists}")
    for key, value in table.items():
        if not _fits(key, value, whole=wanted[key] is int):
            raise Invalid(f"policy [{name}] {key} must be {_range_of(key)}; found {value!r}")
    return kind(**table)


def _fits(key: str, value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not math.isfinite(value):
        return False
    if "probability" in key or "share" in key:
        return 0 <= value <= 1
    return 0 < value <= (_DAY_SECONDS if "seconds" in key else _LARGEST)


def _range_of(key: str) -> str:
    if "probability" in key or "share" in key:
        return "a number from 0 to 1"
    if "seconds" in key:
        return f"a number of seconds above 0 and at most {_DAY_SECONDS}"
    return f"a whole number above 0 and at most {_LARGEST:.0e}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
