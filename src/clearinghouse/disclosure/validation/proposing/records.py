"""What is asked of a model, under which terms, and what it proposed."""

from dataclasses import dataclass, field
from enum import StrEnum

from clearinghouse.core.errors import Invalid
from clearinghouse.core.marks import Reach
from clearinghouse.disclosure.validation.recipes.records import Supplier


class Kind(StrEnum):
    """What is asked for."""

    RECIPE = "recipe"
    PATCH = "patch"


class Refusal(Invalid):
    """What came back is not what was asked for, and is not used."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what terms whoever runs the model gets what it is sent; said by the administrator, narrowest by default."""

    reach: Reach = Reach.PUBLIC
    """How the operator of the model stands to those a report was shared with: `organisation` for a model of one's own."""
    trains: bool = True
    """Whether the operator may teach a model with what it is sent."""
    embargoed: bool = False
    """Whether reports under embargo may be sent at all."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: our own instruction, and the report's text as quoted data."""

    kind: Kind
    instruction: str
    quoted: str = field(repr=False)
    """Between two lines of the fence."""
    fence: str
    """Random, so that no report can close it."""
    packages: tuple[tuple[str, str], ...] = ()
    """Keys of the packages that the report names: the only components a recipe for it may be about. Kept here, not sent by itself."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a model proposed, checked for its form alone."""

    kind: Kind
    document: str = field(repr=False)
    """A recipe draft, files named by `file:NAME`, or a unified diff; written anew by us from what was understood."""
    tool: str
    """What asked the model: `clearinghouse`, and by which kind of proposer."""
    model: str
    """As the settings name it."""
    sent_digest: str
    """`sha256:HEX` of everything that was sent."""
    received_digest: str
    supplier: Supplier = Supplier.MODEL
