"""garak: hits of probes against a language model, one JSON object a line (the hit log; a report log holds none).

What a probe said and a model answered is shown as text and obeyed by nobody.
"""

from collections.abc import Iterator
from typing import Any

from clearinghouse.disclosure.intake.records import Finding, Note, Producer, SeverityClaim
from clearinghouse.disclosure.intake.sources._reading import read_records
from clearinghouse.disclosure.intake.sources._scan import first_record, kept, score_of, texts
from clearinghouse.disclosure.intake.sources.base import Document, Item, dict_of, list_of, refuse, text_of

_EXTRA = ("run_id", "attempt_id", "attempt_seq", "attempt_idx", "generations_per_prompt")


class Garak:
    """The reader; `SOURCE` is its one object."""

    name = "garak"
    title = "garak (hit log)"
    version = "1"

    def sniff(self, document: Document) -> float:
        first = first_record(document)
        if not isinstance(first, dict):
            return 0.0
        return 0.95 if {"probe", "detector"} <= set(first) or {"entry_type", "run_id"} <= set(first) or str(first.get("entry_type", "")).startswith("start_run") else 0.0

    def parse(self, document: Document) -> Iterator[Item]:
        if not document.data.strip():
            return
        for place, value in read_records(document):
            if isinstance(value, Note):
                yield Item(place, None, (value,))
            elif "entry_type" in dict_of(value):
                continue  # the report log's set-up, attempts and sums: hits stand in the hit log
            elif not text_of(dict_of(value).get("probe")):
                yield refuse(place, "a hit names its `probe` and `detector`; found neither", "garak.hit")
            else:
                yield _item(dict_of(value), place)


def _said(message: Any) -> str:
    """The text of a message: a string in older logs, an object with turns in newer ones."""
    if isinstance(message, str):
        return message
    turns = list_of(dict_of(message).get("turns"))
    if not turns:
        return text_of(dict_of(message).get("text"))
    return "\n".join(f"{text_of(dict_of(turn).get('role'))}: {_content(dict_of(turn).get('content'))}" for turn in turns[:100])


def _content(content: Any) -> str:
    return content if isinstance(content, str) else text_of(dict_of(content).get("text"))


def _item(value: dict[str, Any], place: str) -> Item:
    probe, detector = text_of(value["probe"]), text_of(value.get("detector"))
    score = score_of(value.get("score"), 1.0)
    goal, generator = text_of(value.get("goal")), text_of(value.get("generator"))
    finding = Finding(
        title=f"{probe}: {goal}" if goal else probe, description=f"The probe {probe} succeeded against {generator or 'the model'}, as judged by {detector or 'garak'}.",
        products=(generator,) if generator else (), reproduction=_said(value.get("prompt")), producer=Producer("garak", rule=probe), place=place,
        severities=(SeverityClaim("garak", score=score),) if score is not None else (),
        extra=kept([("detector", detector), ("goal", goal), ("output", _said(value.get("output"))), ("triggers", ", ".join(texts(value.get("triggers")))),
                    *((name, value.get(name)) for name in _EXTRA)]),
    )
    return Item(place, finding)


SOURCE = Garak()
