"""The pictures of the workbench: small line drawings of our own, drawn with the colour of the text beside them.

A picture never stands alone: the word beside it says the same, so they are hidden from readers of the page aloud.
"""

from markupsafe import Markup

_STROKES: dict[str, str] = {
    "new": "M8 3v10M3 8h10",
    "duplicate": "M3 3h7v7H3zM6 13h7V6",
    "unsure": "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M8 12.6v.4",
    "variant": "M4 13V3M4 8h4a4 4 0 0 0 4-4V3M10 5l2-2 2 2",
    "related": "M6.5 9.5l3-3M7 4.5l1.5-1.5a3 3 0 0 1 4.2 4.2L11.2 8.7M9 11.5 7.5 13a3 3 0 0 1-4.2-4.2L4.8 7.3",
    "waiting": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2 1.3",
    "received": "M2.5 9h3l1 2h3l1-2h3M2.5 9 4 3.5h8L13.5 9v4h-11z",
    "public": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M2.5 8h11M8 2.5c3 3.5 3 7.5 0 11M8 2.5c-3 3.5-3 7.5 0 11",
    "held": "M4 7.5h8v6H4zM5.5 7.5V5.2a2.5 2.5 0 0 1 5 0v2.3",
    "merge": "M4 3v3.5a3 3 0 0 0 3 3h5M4 13V6M9.5 7l2.5 2.5L9.5 12",
    "split": "M2.5 8H6l5-4.5M6 8l5 4.5M8.5 3H11.5v3M8.5 13h3v-3",
    "undo": "M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M6 3.5l-3 3 3 3",
    "search": "M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 10l3.5 3.5",
    "clock": "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2 1.3",
    "warning": "M8 3 2 13h12zM8 6.8v3M8 11.4v.3",
    "done": "M3 8.5 6.5 12 13 4.5",
    "no": "M4 4l8 8M12 4l-8 8",
    "person": "M8 3a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5M3 13.5c.5-2.5 2.5-4 5-4s4.5 1.5 5 4",
    "file": "M4 2.5h5l3 3v8H4zM9 2.5v3h3",
    "message": "M2.5 3.5h11v7.5H8l-3 2.5v-2.5H2.5z",
    "private": "M4 7.5h8v6H4zM5.5 7.5V5.2a2.5 2.5 0 0 1 5 0v2.3",
    "flag": "M4 14V2.5M4 3h8l-2 3 2 3H4",
    "key": "M5.5 8a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5M7.3 8.7 12.5 3.5M10.5 5.5l2 2M12 4l1 1",
    "next": "M6 3.5 10.5 8 6 12.5",
    "back": "M10 3.5 5.5 8l4.5 4.5",
    "external": "M9.5 2.5h4v4M13.5 2.5 7.5 8.5M11 9v4.5H2.5V5H7",
    "menu": "M3 4.5h10M3 8h10M3 11.5h10",
    "send": "M2.5 8 13.5 2.5 10 13.5 7.5 9z",
    "filter": "M2.5 4h11M4.5 8h7M6.5 12h3",
    "gear": "M8 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5M8 2v2M8 12v2M2 8h2M12 8h2M3.8 3.8l1.4 1.4M10.8 10.8l1.4 1.4M12.2 3.8l-1.4 1.4M5.2 10.8l-1.4 1.4",
    "ledger": "M3.5 2.5h9v11h-9zM6 5.5h4M6 8h4M6 10.5h2.5",
    "shield": "M8 2.5 3.5 4v4c0 2.8 1.9 4.8 4.5 5.8 2.6-1 4.5-3 4.5-5.8V4z",
}


def icon(name: str) -> Markup:
    """The picture of that name, sixteen units square.

    Raises:
        KeyError: there is none; a mistake of ours.
    """
    return Markup(  # noqa: S704 - a constant of this file
        '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">'
        f'<path d="{_STROKES[name]}"/></svg>'
    )


def names() -> list[str]:
    """Every picture there is."""
    return sorted(_STROKES)
