"""Text made safe to show: what a terminal would obey, or hide, is written as an escape."""

from __future__ import annotations

import re

# Printable to Python, but invisible, or of a width on which terminals disagree: the code points
# that Unicode calls default-ignorable, and the blank of Braille.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def visible(text: str) -> str:
    r"""Return the text with control, bidirectional and invisible characters escaped.

    >>> visible("a\x1b[31m\u202eb\n")
    'a\\x1b[31m\\u202eb\\n'
    """
    if text.isprintable() and not _INVISIBLE.search(text):
        return text
    return "".join(
        char
        if char.isprintable() and not _INVISIBLE.match(char)
        else char.encode("unicode_escape").decode()
        for char in text
    )
