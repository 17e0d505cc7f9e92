"""What the common options said, and the instance they name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # heavy: imported when a command runs
    from clearinghouse.app.wiring import Instance

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value instead of text.")]


@dataclass(frozen=True)
class Context:
    """The common options."""

    home: Path | None
    acting_as: str

    def folder(self) -> Path:
        """The folder of the instance."""
        from clearinghouse.app.settings import home_folder

        return self.home.expanduser().absolute() if self.home is not None else home_folder()

    @contextmanager
    def instance(self) -> Iterator["Instance"]:
        """The instance, open for the length of a command."""
        from clearinghouse.app.settings import load_settings
        from clearinghouse.app.wiring import open_instance

        opened = open_instance(load_settings(self.folder()), acting_as=self.acting_as or None)
        try:
            yield opened
        finally:
            opened.close()


def context_of(ctx: typer.Context) -> Context:
    """The common options of a running command."""
    found = ctx.find_object(Context)
    assert found is not None, "the callback sets the context"
    return found
