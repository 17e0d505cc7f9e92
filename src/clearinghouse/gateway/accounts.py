"""The account of an access: what is used, what is held for calls in flight, and what may still be asked for."""

from dataclasses import dataclass

from clearinghouse.gateway.rules import Charge, Refusal


@dataclass(slots=True)
class Account:
    """Tokens and calls of one access. Only the gateway's one loop changes it, so looking and taking are one step."""

    tokens_used: int = 0
    calls_used: int = 0
    tokens_held: int = 0
    calls_open: int = 0

    def reserve(self, tokens: int, *, tokens_max: int, calls_max: int, at_once_max: int) -> Refusal | None:
        """Hold tokens for a call, or say why not; nothing is held then."""
        if self.calls_open >= at_once_max:
            return Refusal.AT_ONCE
        if self.tokens_used + self.tokens_held + tokens > tokens_max or self.calls_used + 1 > calls_max:
            return Refusal.BUDGET
        self.tokens_held += tokens
        self.calls_used += 1
        self.calls_open += 1
        return None

    def settle(self, tokens: int, charged: Charge) -> None:
        """Give back what was held and take what was charged, which is never more."""
        self.calls_open -= 1
        self.tokens_held -= tokens
        self.tokens_used += charged.prompt_tokens + charged.completion_tokens
        assert charged.prompt_tokens + charged.completion_tokens <= tokens, "a charge stays within its reservation"

    def take_back(self, tokens: int) -> None:
        """Undo a reservation of a call that was never on record."""
        self.calls_open -= 1
        self.tokens_held -= tokens
        self.calls_used -= 1
