"""The tool sandbox of a sample: commands and files of a model under evaluation, behind the walls of `clearinghouse.sandbox`.

A session keeps what a sample has in `/work` and `/tmp` as bytes between its calls; each call is one run of the sandbox, which leaves nothing.
A broker serves sessions to an engine in another process, over a socket and without any right of its own. What a model tried that it
should not have tried is noted as incidents.

Does not belong here: which items there are, what a model is asked, how an answer is graded.
"""

from clearinghouse.evaluation.benchmarks.sessions.records import (
    Certainty,
    Incident,
    IncidentKind,
    SessionLimits,
    ToolResult,
    limits_of,
)
from clearinghouse.evaluation.benchmarks.sessions.session import FileTrouble, Session

__all__ = ["Certainty", "FileTrouble", "Incident", "IncidentKind", "Session", "SessionLimits", "ToolResult", "limits_of"]
