"""From text that logs and backends wrote to text that can be shown: what cannot be seen, or turns the writing round, is spelled out."""

from __future__ import annotations

import re

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls, but for tab and line feed
    "\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, or changes the direction (UAX #9)
    "\ud800-\udfff"  # half a character: not encodable
    "\U000e0000-\U000e007f]"  # tags
)
"""Characters that a reader cannot see, or that show other characters in another order than they are stored."""

LONGEST = 1000
"""Characters of one text that a page shows; report.json holds the whole."""


def plain(text: str) -> str:
    """The text with each unseen character written as [U+XXXX]; lines stay lines."""
    return UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def line(text: str) -> str:
    """The same on one line."""
    return plain(" ".join(text.split()))


def elided(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning and end where it is longer than `longest` characters."""
    if len(text) <= longest:
        return text
    tail = (longest - 1) // 3
    return f"{text[: longest - 1 - tail]}…{text[len(text) - tail :]}"
