"""What a proposer is, and the one that is there when none is configured."""

from typing import Protocol

from clearinghouse.core.errors import Unavailable
from clearinghouse.disclosure.validation.proposing.records import Request


class Proposer(Protocol):
    """A way to ask a model. It sees the request and nothing else of the instance."""

    @property
    def tool(self) -> str:
        """What kind of proposer it is, for the label."""
        ...

    @property
    def model(self) -> str:
        """The model's name, for the label."""
        ...

    def body(self, request: Request) -> bytes:
        """Exactly the bytes that `ask` sends: their digest goes on the ledger before the first of them leaves."""
        ...

    def ask(self, body: bytes) -> bytes:
        """The untrusted text that the model gave.

        Raises:
            Refusal: it gave something else than a text that came to its end.
            Unavailable: there is no model, or it did not answer.
        """
        ...


class NullProposer:
    """No model. Nothing is sent anywhere."""

    tool = "none"
    model = ""

    def body(self, request: Request) -> bytes:
        return b""

    def ask(self, body: bytes) -> bytes:
        raise Unavailable("no model is configured on this instance, and none is needed; [proposer] in clearinghouse.toml names one")
