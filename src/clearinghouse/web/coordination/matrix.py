"""The matrix of a case as a page."""

from typing import Any

from litestar import Response, Router, get
from litestar.params import FromPath

from clearinghouse.app.views.matrix import LEGEND, read_matrix
from clearinghouse.core.roles import Scope
from clearinghouse.web.visitor import Visiting


@get("/cases/{case_id:str}/matrix", sync_to_thread=True, include_in_schema=False)
def matrix(visitor: Visiting, case_id: FromPath[str]) -> Response[Any]:
    """Reproducers by patches, and what follows."""
    return visitor.render("matrix.html", found=read_matrix(visitor.acting(Scope.CASES_READ), case_id), legend=LEGEND)


ROUTER = Router("/", route_handlers=[matrix])
