"""The floor: a route of the same framework, on the same server, that reads the body and says it did."""

import msgspec
from litestar import Litestar, Request, post


class Read(msgspec.Struct):
    """How much was read."""

    size_bytes: int


@post("/api/v1/submissions")
async def take(request: Request) -> Read:  # type: ignore[type-arg]
    """Read and forget."""
    return Read(len(await request.body()))


def application() -> Litestar:
    """The application."""
    return Litestar([take], openapi_config=None)
