"""The table `[proposer]` of the settings: which model may be asked, and under what terms its operator gets reports."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clearinghouse.core.errors import Invalid
from clearinghouse.core.marks import Reach
from clearinghouse.disclosure.validation.proposing.records import Terms

_TEXT_CHARACTERS_MAX = 300
_REACHES = tuple(reach.value for reach in Reach if reach is not Reach.NAMED)


@dataclass(frozen=True, slots=True)
class ProposerSettings:
    """`[proposer]`: off without a url."""

    url: str = ""
    """Where chat completions are asked for, to the end of the path."""
    model: str = ""
    """As the endpoint calls it; stands in the label of every proposal."""
    key_path: Path | None = None
    """File with the key, readable by its owner alone; none for an endpoint that wants none."""
    reach: Reach = Terms().reach
    """How its operator stands to those who shared a report: `organisation` for a model that nobody else runs."""
    trains: bool = Terms().trains
    """False only where the operator is bound not to teach a model with what it is sent."""
    embargoed: bool = Terms().embargoed
    """True: reports under embargo, too, as far as their marks allow."""

    @property
    def terms(self) -> Terms:
        """The terms, as rules take them."""
        return Terms(self.reach, self.trains, self.embargoed)

    @property
    def place(self) -> str:
        """`HOST:PORT` of the endpoint."""
        parts = urlsplit(self.url)
        return f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def parse_proposer(table: Any, path: Path) -> ProposerSettings:
    """The model that may be asked, if any.

    Raises:
        Invalid: a name is unknown, a value is not of its kind, or url and model do not come together.
    """
    known = [field.name for field in fields(ProposerSettings)]
    if not isinstance(table, dict) or set(table) - set(known):
        raise Invalid(f"{path}: [proposer] knows {', '.join(known)}")
    found = ProposerSettings()
    url, model, key = (table.get(name, "") for name in ("url", "model", "key_path"))
    if not all(isinstance(text, str) and len(text) <= _TEXT_CHARACTERS_MAX and text.isprintable() for text in (url, model, key)):
        raise Invalid(f"{path}: [proposer] url, model and key_path must be text of at most {_TEXT_CHARACTERS_MAX} characters")
    if bool(url) != bool(model):
        raise Invalid(f"{path}: [proposer] needs both url and model; without either no model is asked")
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username and (parts.port or 1) > 0
    except ValueError:
        plain = False
    if url and not plain:
        raise Invalid(f"{path}: [proposer] url must be as `https://HOST/v1/chat/completions`; found {url[:100]!r}")
    reach, trains, embargoed = table.get("reach", found.reach.value), table.get("trains", found.trains), table.get("embargoed", found.embargoed)
    if reach not in _REACHES:
        raise Invalid(f"{path}: [proposer] reach must be one of {', '.join(_REACHES)}; found {str(reach)[:40]!r}")
    if not isinstance(trains, bool) or not isinstance(embargoed, bool):
        raise Invalid(f"{path}: [proposer] trains and embargoed must be true or false")
    return ProposerSettings(url, model, path.parent / key if key else None, Reach(reach), trains, embargoed)
