"""Calls to the desk, from inside: one line of JSON and bytes after it, each way. Standard library alone."""

import json
import socket
from typing import Any

TOOLS, MODEL = "/run/desk/tools.sock", "/run/desk/model.sock"


class Refused(Exception):
    """The desk answers with an error; its one word is all there is."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def call(do: str, body: bytes = b"", **words: Any) -> tuple[dict[str, Any], bytes]:
    """The desk's answer.

    Raises:
        Refused: it is an error.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as desk:
        desk.connect(TOOLS)
        desk.sendall(json.dumps({"do": do, "bytes": len(body), **words}).encode() + b"\n")
        desk.sendall(body)
        with desk.makefile("rb") as reader:
            answer = json.loads(reader.readline())
            content = reader.read(answer["bytes"])
    if "error" in answer:
        raise Refused(answer["error"])
    return answer, content
