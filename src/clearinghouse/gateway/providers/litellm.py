"""A LiteLLM proxy behind the gateway: the same wire, and a proxy that would try again, fall back to another model and keep logs if let."""

from typing import Any

from clearinghouse.gateway.providers.openai import OpenAIProvider


class LiteLLMProvider(OpenAIProvider):
    """Asks a LiteLLM proxy for exactly one answer of exactly this model, and not to log it.

    What its operator configured stands above what is asked here: see the reference on the gateway.
    """

    length_field = "max_tokens"
    extras: dict[str, Any] = {"num_retries": 0, "disable_fallbacks": True, "no-log": True}  # noqa: RUF012 - never changed
