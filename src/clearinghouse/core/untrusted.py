"""Text from outside: bounded, and free of what a terminal or a reader could be fooled with."""

import re
import unicodedata

# C0 and C1 controls but tab and line feed, and the characters that reorder or hide what is read:
# bidirectional overrides and isolates, zero-width signs, tag characters (Unicode TR 36, TR 39).
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def clean_text(untrusted_text: str, characters_max: int) -> str:
    """The text in NFC with `\\n` line ends, unseen characters and surrogates dropped, cut at `characters_max`."""
    text = untrusted_text
    if not text.isascii():
        text = unicodedata.normalize("NFC", text[: characters_max * 2].encode("utf-8", "ignore").decode("utf-8"))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSEEN.sub("", text)[:characters_max]


def clean_line(untrusted_text: str, characters_max: int) -> str:
    """The text on one line, white space folded: for titles, names and anything printed in a table."""
    return " ".join(clean_text(untrusted_text, characters_max * 2).split())[:characters_max]
