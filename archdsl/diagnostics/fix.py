"""Fixes: edits of a text that mend a fault, and whether that is certainly what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from archdsl.diagnostics.suggest import edit_distance, nearest
from archdsl.source import Source, Span


@dataclass(frozen=True, slots=True)
class Edit:
    """``text`` in place of a stretch of source; of an empty stretch, an insertion."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What to write instead: ``title`` says it in a few words (``write `relu` ``).

    The edits are of one source, do not overlap, and belong together. ``certain`` means that
    nothing else can have been meant: `archdsl check --fix` applies such a fix without asking.
    """

    title: str
    edits: tuple[Edit, ...]
    certain: bool = True

    @property
    def source(self) -> Source:
        """The text that is edited."""
        return self.edits[0].span.source


def write(span: Span, text: str, *, certain: bool = True) -> Fix:
    """Return the fix that writes ``text`` in place of ``span``."""
    return Fix(f"write `{text}`", (Edit(span, text),), certain)


def insert(span: Span, text: str, shown: str | None = None) -> Fix:
    """Return the fix that inserts ``text`` before ``span``."""
    before = Span(span.source, span.start, span.start)
    return Fix(f"insert `{shown or text.strip()}`", (Edit(before, text),))


def respell(span: Span, candidates: Iterable[str], meant: str | None = None) -> Fix | None:
    """Return the fix of a misspelt name, None where none of the candidates is near.

    ``meant`` is given where it is known which of them it stands for.
    It is certain where one candidate is nearer than all others, and no digit differs: whoever
    writes `s2` does not mean `s1`.
    """
    name, choices = span.text, set(candidates)
    meant = meant or nearest(name, choices)
    if meant is None or meant == name:
        return None
    distance = edit_distance(name.lower(), meant.lower())
    others = (edit_distance(name.lower(), other.lower()) for other in choices - {meant})
    return write(span, meant, certain=is_slip(name, meant) and all(d > distance for d in others))


def is_slip(name: str, meant: str) -> bool:
    """Whether ``name`` is so near to what was meant that it can only be a slip of the finger."""
    if len(meant) < 3 or _digits(name) != _digits(meant):
        return False
    return edit_distance(name.lower(), meant.lower()) <= max(1, len(meant) // 4)


def _digits(name: str) -> list[str]:
    return [char for char in name if char.isdigit()]


def remove(span: Span, shown: str | None = None) -> Fix:
    """Return the fix that removes ``span``; with it the line, if nothing else stands there."""
    return Fix(f"remove `{shown or span.text}`", (Edit(_with_line(span), ""),))


def remove_item(span: Span, items: Sequence[Span]) -> Fix:
    """Return the fix that removes one of the items of a list, with the comma that parts it.

    There must be another item: nothing is left of an empty list.
    """
    at = [item.start for item in items].index(span.start)
    if at + 1 < len(items):
        gone = Span(span.source, span.start, items[at + 1].start)
    else:
        gone = Span(span.source, items[at - 1].end, span.end)
    return Fix(f"remove `{span.text}`", (Edit(gone, ""),))


def _with_line(span: Span) -> Span:
    """Return a statement's span with the blanks, separator or line break that go with it."""
    text = span.source.text
    start, end = span.start, span.end
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    while end < len(text) and text[end] in " \t":
        end += 1
    if end < len(text) and text[end] == ";":
        end += 1
        while end < len(text) and text[end] in " \t":
            end += 1
        return Span(span.source, span.start, end)
    at_line_start = start == 0 or text[start - 1] == "\n"
    at_line_end = end == len(text) or text.startswith(("\n", "\r\n"), end)
    if at_line_start and at_line_end:
        end = text.find("\n", end) + 1 or len(text)
        return Span(span.source, start, end)
    if start > 0 and text[start - 1] == ";":
        return Span(span.source, start - 1, span.end)
    return (
        Span(span.source, span.start, end) if at_line_start else Span(span.source, start, span.end)
    )


def apply(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """Return the text with edits made: each (start, end, text), in code points, none overlaps."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
