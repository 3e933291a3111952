"""Words of a text as values: numbers, and names and strings of bounded length."""

from __future__ import annotations

from lark import Token

from archdsl.diagnostics import Problems
from archdsl.source import Span
from archdsl.syntax import messages

MAX_NAME = 200
"""The most characters of a name: a model's becomes the name of a file, and those have 255."""

MAX_STRING = 2_000
"""The most characters of a string: a path, or the reason of an allowance."""

MAX_NUMBER = 10**18
"""The largest number that can be written."""

_SCALE = {"k": 10**3, "M": 10**6, "G": 10**9}


def number(token: Token) -> int | float:
    """Return the value of a number."""
    if token.type == "INT":
        return int(token) if len(token) <= 19 else float(token)
    if token.type == "QUANTITY":
        scaled = round(float(token[:-1]) * _SCALE[token[-1]], 3)  # 1.13M is 1,130,000
        return int(scaled) if scaled.is_integer() else scaled
    return float(token)


class Words:
    """The names and strings of one file; each that is too long is reported once, and cut off."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.long: set[str] = set()

    def name(self, text: str, place: Span) -> str:
        """Return a name, its start if it is too long."""
        return self.bounded(text, place, MAX_NAME)

    def string(self, text: str, place: Span) -> str:
        """Return the inside of a string, its start if it is too long."""
        return self.bounded(text[1:-1], place, MAX_STRING)

    def bounded(self, text: str, place: Span, most: int) -> str:
        """Return the first ``most`` characters; that there are more is reported."""
        if len(text) > most and text not in self.long:
            self.long.add(text)
            self.problems.add(messages.too_long_word(place, len(text), most))
        return text[:most]
