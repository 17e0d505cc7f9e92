"""Where an instance lives, and the policy it runs under.

Everything local lies under one folder, `$CLEARINGHOUSE_HOME`:

    clearinghouse.toml   settings
    clearinghouse.db     the database, unless `database_url` names another
    keys/                instance key, ledger key, OpenPGP keys: never in the database
    mail/                out: what is mailed where there is no server; in: mail that is to be read
    witness/             the last signed checkpoint; better on another volume (`witness_path`)
"""

import math
import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import platformdirs

from clearinghouse.app.gateway_settings import GatewaySettings, parse_gateway
from clearinghouse.app.policy_terms import parse_duties, parse_terms
from clearinghouse.app.proposer_settings import ProposerSettings, parse_proposer
from clearinghouse.app.sandbox_settings import parse_sandbox
from clearinghouse.core.errors import Invalid, Unavailable
from clearinghouse.core.policy import (
    AppealPolicy,
    BenchPolicy,
    BenchQueuePolicy,
    BlindPolicy,
    CapacityPolicy,
    CharterLimits,
    CommitmentPolicy,
    ContactPolicy,
    DeconflictionThresholds,
    EmbargoPolicy,
    EvidenceWorth,
    IdentityPolicy,
    IntakeLimits,
    JoiningPolicy,
    LearningPolicy,
    MatrixPolicy,
    NoticePolicy,
    OutwardLimits,
    PatchPolicy,
    Policy,
    ProposingPolicy,
    RatePolicy,
    RelayPolicy,
    RoomLimits,
    SearchLimits,
    SettlingPolicy,
    UpkeepPolicy,
    WorkerPolicy,
)
from clearinghouse.core.review_policy import AnalysisPolicy, BenchmarkPolicy, GatewayPolicy, ReviewPolicy
from clearinghouse.sandbox import SandboxSettings

_T = TypeVar("_T")
SETTINGS_NAME = "clearinghouse.toml"
_CONTACT_CHARACTERS_MAX = 300
_SALT_BYTES_MIN = 16
ENGINES = ("auto", "memory", "duckdb", "spark")
_MEMORY_LEAST = 200
_LARGEST = 10**15  # so that every number fits every column and clock; not a policy
_DAY_SECONDS = 86_400
_HOST = re.compile(r"[a-z0-9.-]{1,253}")
_HOST_AND_PORT = re.compile(r"(?:[a-z0-9._-]{1,253}|\[[0-9a-f:]{2,45}\]):\d{1,5}")
# Short enough for the part that leads a reply home: 64 octets before the @ (RFC 5321, 4.5.3.1.1), of which 32 are left.
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9._-]{1,32}@[A-Za-z0-9.-]{1,253}")
_PROVIDER = re.compile(r"[a-z0-9-]{1,32}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PARTS = ("probability", "share", "similarity")
_FIRST_TABLES = {"intake", "deconfliction", "settling"}
_KNOWN = {"database_url", "ledger_origin", "witness_path", "actor", "public_url", "mail", "outward", "sign_in", "claim_check", "bulk", "sandbox", "proposer", "bench", "gateway"}


@dataclass(frozen=True, slots=True)
class OutwardSettings:
    """`[outward]`: which outgoing connections this instance makes."""

    enabled: bool = True
    """False: none at all, mail included; what would be mailed lies in the folder `mail/out`."""
    ports: tuple[int, ...] = (443,)
    allowed_hosts: tuple[str, ...] = ()
    """`HOST:PORT` that may be called though they are inside, and without TLS; whoever may name an address may name these."""


@dataclass(frozen=True, slots=True)
class ClaimCheckSettings:
    """`[claim_check]`: the salted hash that Scrutineer's users ask with; off without a salt."""

    salt: bytes = field(default=b"", repr=False)
    """Shared by the members of a federation; read from the file `salt_path` names."""
    contact: str = ""
    """Told to whoever asks about something held."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """`[mail]`: how mail leaves and what it says of itself."""

    sender: str = ""
    """Address mail comes from and replies go to, with a part added after `+`; made from `public_url` where it is empty."""
    host: str = ""
    """SMTP server that takes our mail; empty: mail lies in the folder `mail/out`."""
    port: int = 587
    security: str = "starttls"
    """`starttls`, `tls`, or `none` for a server on this machine."""
    credentials_path: Path | None = None
    """File with the user's name on its first line and the password on its second, readable by its owner alone."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """`[sign_in.NAME]`: an OpenID Connect provider at which people may have accounts."""

    name: str
    """Stands in addresses: small letters, digits and dashes."""
    issuer: str
    """As the provider calls itself, `https://...`."""
    client_id: str
    """What it knows this instance by."""
    title: str
    """As the button says; the name where none is given."""
    client_secret_path: Path | None = None
    """File with the secret it gave, readable by its owner alone; none for a public client."""


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """`[bulk]`: by what all reports are settled at once."""

    engine: str = "auto"
    """`memory`, `duckdb`, `spark`; `auto` settles in memory while that fits, beyond that with DuckDB where it is installed."""
    memory_megabytes: int = 1_000
    """What the engine takes for joins and groups; a portion of records in work takes some hundred besides."""
    spark_master: str = "local[2]"
    """As Spark names it."""
    folder: Path = Path("settling")
    """Where steps leave what they made until everything is settled; below the home, unless absolute. Every executor must see it."""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """`[bench]`: where validation is done, and from where sources are fetched."""

    on_server: bool = False
    """Whether `clearinghouse serve` does the work of the bench beside its pages: for a trial; a bench has a host of its own."""
    fetch_hosts: tuple[str, ...] = ()
    """Names of the hosts that sources may be fetched from, such as `codeload.github.com`; none by default."""


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
    public_url: str = ""
    """Where people reach this instance (`https://HOST`), for links in mail; empty: there are none."""
    outward: OutwardSettings = OutwardSettings()
    mail: MailSettings = MailSettings()
    providers: tuple[ProviderSettings, ...] = ()
    claim_check: ClaimCheckSettings = ClaimCheckSettings()
    bulk: BulkSettings = BulkSettings()
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    proposer: ProposerSettings = field(default_factory=ProposerSettings)
    bench: BenchSettings = BenchSettings()
    gateway: GatewaySettings = field(default_factory=GatewaySettings)

    @property
    def mail_folder(self) -> Path:
        """Mail in folders: `out` for what is sent where there is no server, `in` for what is to be read."""
        return self.home / "mail"

    @property
    def mail_sender(self) -> str:
        """The address mail comes from."""
        return self.mail.sender or f"clearinghouse@{urlsplit(self.public_url).hostname or 'localhost.localdomain'}"

    @property
    def instance_key_path(self) -> Path:
        """Key that wraps the data keys."""
        return self.home / "keys" / "instance.key"

    @property
    def ledger_key_path(self) -> Path:
        """Ed25519 seed that signs checkpoints."""
        return self.home / "keys" / "ledger.key"

    @property
    def evidence_key_path(self) -> Path:
        """Ed25519 seed that signs evidence of validations."""
        return self.home / "keys" / "evidence.key"

    @property
    def gateway_key_path(self) -> Path:
        """Key of the digests in the gateway's journal."""
        return self.home / "keys" / "gateway.key"

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
    path = home / SETTINGS_NAME
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
        _public_url(document.get("public_url", ""), path), _outward(document.get("outward", {}), path), _mail(document.get("mail", {}), path),
        _providers(document.get("sign_in", {}), path), _claim_check(document.get("claim_check", {}), path),
        _bulk(document.get("bulk", {}), path), parse_sandbox(document.get("sandbox", {}), path),
        parse_proposer(document.get("proposer", {}), path),
        _bench(document.get("bench", {}), path), parse_gateway(document.get("gateway", {}), path),
    )


def _public_url(found: Any, path: Path) -> str:
    try:
        parts = urlsplit(found) if isinstance(found, str) else urlsplit("?")
    except ValueError:
        parts = urlsplit("?")
    if found != "" and (parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment):
        raise Invalid(f"{path}: public_url must be as `https://HOST`; found {str(found)[:100]!r}")
    return str(found).rstrip("/")


def _outward(table: Any, path: Path) -> OutwardSettings:
    _check_names(table, OutwardSettings, "outward", path)
    ports, hosts = table.get("ports", [443]), table.get("allowed_hosts", [])
    if not isinstance(table.get("enabled", True), bool):
        raise Invalid(f"{path}: [outward] enabled must be true or false")
    if not isinstance(ports, list) or not all(isinstance(port, int) and 0 < port < 65_536 for port in ports):
        raise Invalid(f"{path}: [outward] ports must be a list of port numbers")
    if not isinstance(hosts, list) or not all(isinstance(host, str) and _HOST_AND_PORT.fullmatch(host) for host in hosts):
        raise Invalid(f"{path}: [outward] allowed_hosts must be a list of `host:port` in lower case")
    return OutwardSettings(table.get("enabled", True), tuple(ports), tuple(hosts))


def _bulk(table: Any, path: Path) -> BulkSettings:
    _check_names(table, BulkSettings, "bulk", path)
    found = BulkSettings()
    engine, memory = table.get("engine", found.engine), table.get("memory_megabytes", found.memory_megabytes)
    master, folder = table.get("spark_master", found.spark_master), table.get("folder", str(found.folder))
    if engine not in ENGINES:
        raise Invalid(f"{path}: [bulk] engine must be one of {', '.join(ENGINES)}; found {str(engine)[:40]!r}")
    if isinstance(memory, bool) or not isinstance(memory, int) or not _MEMORY_LEAST <= memory <= _LARGEST:
        raise Invalid(f"{path}: [bulk] memory_megabytes must be a whole number from {_MEMORY_LEAST}; found {str(memory)[:40]!r}")
    if not isinstance(master, str) or not master or not isinstance(folder, str) or not folder:
        raise Invalid(f"{path}: [bulk] spark_master and folder must be text")
    return BulkSettings(engine, memory, master, Path(folder))


def _bench(table: Any, path: Path) -> BenchSettings:
    _check_names(table, BenchSettings, "bench", path)
    on_server, hosts = table.get("on_server", False), table.get("fetch_hosts", [])
    if not isinstance(on_server, bool):
        raise Invalid(f"{path}: [bench] on_server must be true or false; found {on_server!r}")
    if not isinstance(hosts, list) or not all(isinstance(host, str) and _HOST.fullmatch(host) for host in hosts):
        raise Invalid(f"{path}: [bench] fetch_hosts must be a list of names of hosts in small letters, as `codeload.github.com`")
    return BenchSettings(on_server, tuple(hosts))


def _claim_check(table: Any, path: Path) -> ClaimCheckSettings:
    known = {"salt_path", "contact"}
    if not isinstance(table, dict) or set(table) - known:
        raise Invalid(f"{path}: [claim_check] knows {', '.join(sorted(known))}")
    if not table:
        return ClaimCheckSettings()
    contact, place = table.get("contact", ""), table.get("salt_path", "")
    if not isinstance(contact, str) or not contact or len(contact) > _CONTACT_CHARACTERS_MAX or not isinstance(place, str) or not place:
        raise Invalid(f"{path}: [claim_check] needs salt_path, a file with the salt, and contact, which is told on a match")
    try:
        salt = (path.parent / place).read_bytes().strip()
    except OSError as error:
        raise Invalid(f"{path}: [claim_check] salt_path cannot be read: {error.strerror}") from error
    if len(salt) < _SALT_BYTES_MIN:
        raise Invalid(f"{path}: the salt of [claim_check] has {len(salt)} bytes; at least {_SALT_BYTES_MIN} random ones would be right")
    return ClaimCheckSettings(salt, contact)


def _mail(table: Any, path: Path) -> MailSettings:
    _check_names(table, MailSettings, "mail", path)
    found = MailSettings(
        table.get("sender", ""), table.get("host", ""), table.get("port", 587), table.get("security", "starttls"),
        path.parent / str(table["credentials_path"]) if table.get("credentials_path") else None,
    )
    if not isinstance(found.sender, str) or (found.sender and not _PLAIN_ADDRESS.fullmatch(found.sender)):
        raise Invalid(f"{path}: [mail] sender must be a bare address such as `security@example.org`, at most 32 characters before the @")
    if not isinstance(found.host, str) or not isinstance(found.port, int) or not 0 < found.port < 65_536:
        raise Invalid(f"{path}: [mail] host must be a name and port a port number")
    if found.security not in ("starttls", "tls") and not (found.security == "none" and found.host in _LOOPBACK):
        raise Invalid(f"{path}: [mail] security must be `starttls` or `tls`; `none` only for a server on this machine")
    return found


def _providers(tables: Any, path: Path) -> tuple[ProviderSettings, ...]:
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise Invalid(f"{path}: sign_in holds one table for each provider, as [sign_in.example]")
    found = []
    for name, table in sorted(tables.items()):
        _check_names({"name": name} | table, ProviderSettings, f"sign_in.{name}", path)
        texts = [table.get(key, "") for key in ("issuer", "client_id", "title", "client_secret_path")]
        if not _PROVIDER.fullmatch(name) or not all(isinstance(text, str) and len(text) <= 255 for text in texts) or not texts[1]:
            raise Invalid(f"{path}: [sign_in.{name[:40]}] needs a name of small letters, an issuer and a client_id")
        parts = urlsplit(texts[0])
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
            raise Invalid(f"{path}: [sign_in.{name}] issuer must be as `https://HOST`; found {texts[0][:100]!r}")
        secret = path.parent / texts[3] if texts[3] else None
        found.append(ProviderSettings(name, texts[0], texts[1], texts[2] or name, secret))
    return tuple(found)


def _check_names(table: Any, kind: type, name: str, path: Path) -> None:
    known = sorted(each.name for each in fields(kind))
    unknown = sorted(set(table) - set(known)) if isinstance(table, dict) else ["no table"]
    if unknown:
        raise Invalid(f"{path}: [{name}] has unknown settings {', '.join(unknown)}; known are {', '.join(known)}")


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
        _table(DeconflictionThresholds, tables["deconfliction"], "deconfliction",
               evidence=_table(EvidenceWorth, tables["evidence"], "evidence")),
        _table(SettlingPolicy, tables["settling"], "settling"),
        outward=_table(OutwardLimits, tables["outward"], "outward"), notices=_table(NoticePolicy, tables["notices"], "notices"),
        worker=_table(WorkerPolicy, tables["worker"], "worker"),
        upkeep=_table(UpkeepPolicy, tables["upkeep"], "upkeep"),
        joining=_table(JoiningPolicy, tables["joining"], "joining"),
        appeals=_table(AppealPolicy, tables["appeals"], "appeals"),
        charters=_table(CharterLimits, tables["charters"], "charters"),
        capacity=_table(CapacityPolicy, tables["capacity"], "capacity"),
        identity=_table(IdentityPolicy, tables["identity"], "identity"),
        embargo=_table(EmbargoPolicy, tables["embargo"], "embargo"), contact=_table(ContactPolicy, tables["contact"], "contact"),
        rooms=_table(RoomLimits, tables["rooms"], "rooms"), search=_table(SearchLimits, tables["search"], "search"),
        relay=_table(RelayPolicy, tables["relay"], "relay"),
        rates=_table(RatePolicy, tables["rates"], "rates"),
        commitments=_table(CommitmentPolicy, tables["commitments"], "commitments"), blind=_table(BlindPolicy, tables["blind"], "blind"),
        learning=_table(LearningPolicy, tables["learning"], "learning"),
        bench=_table(BenchPolicy, tables["bench"], "bench"), bench_queue=_table(BenchQueuePolicy, tables["bench_queue"], "bench_queue"),
        matrix=_table(MatrixPolicy, tables["matrix"], "matrix"), patches=_table(PatchPolicy, tables["patches"], "patches"),
        proposing=_table(ProposingPolicy, tables["proposing"], "proposing"),
        review=_table(ReviewPolicy, tables["review"], "review"), gateway=_table(GatewayPolicy, tables["gateway"], "gateway"),
        benchmarks=_table(BenchmarkPolicy, tables["benchmarks"], "benchmarks"), analysis=_table(AnalysisPolicy, tables["analysis"], "analysis"),
        terms=parse_terms(tables["terms"]), duties=parse_duties(tables["duties"]),
    )
    words = found.deconfliction
    if words.ask_probability_min > words.join_probability_min:
        raise Invalid("policy [deconfliction] ask_probability_min must not be above join_probability_min: what is joined is also asked about")
    if words.candidates_shown_max > words.candidates_max:
        raise Invalid("policy [deconfliction] candidates_shown_max must not be above candidates_max: what is shown was compared")
    return found


def _table(kind: type[_T], table: dict[str, Any], name: str, **apart: Any) -> _T:
    """A table as its dataclass; `apart` are fields that a table of their own fills."""
    wanted = {each.name: each.type for each in fields(kind) if each.name not in apart}  # type: ignore[arg-type]
    missing, unknown = sorted(set(wanted) - set(table)), sorted(set(table) - set(wanted))
    if missing or unknown:
        lists = f"missing {', '.join(missing) or 'nothing'}; unknown {', '.join(unknown) or 'nothing'}"
        raise Invalid(f"policy table [{name}]: {lists}")
    for key, value in table.items():
        if wanted[key] is bool:
            if not isinstance(value, bool):
                raise Invalid(f"policy [{name}] {key} must be true or false; found {value!r}")
        elif not _fits(key, value, whole=wanted[key] is int):
            raise Invalid(f"policy [{name}] {key} must be {_range_of(key)}; found {value!r}")
    return kind(**table, **apart)


def _fits(key: str, value: Any, *, whole: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not math.isfinite(value):
        return False
    if any(word in key for word in _PARTS):
        return 0 <= value <= 1
    return 0 < value <= (_DAY_SECONDS if "seconds" in key else _LARGEST)


def _range_of(key: str) -> str:
    if any(word in key for word in _PARTS):
        return "a number from 0 to 1"
    if "seconds" in key:
        return f"a number of seconds above 0 and at most {_DAY_SECONDS}"
    return f"a whole number above 0 and at most {_LARGEST:.0e}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
