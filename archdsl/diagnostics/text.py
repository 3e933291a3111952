"""Diagnostics as text for a terminal: the source lines at fault, underlined and labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.text import Text

from archdsl.diagnostics.diagnostic import Diagnostic, Label, Severity
from archdsl.diagnostics.escaping import visible
from archdsl.source import Source, Span, Use

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_FRAME = "blue"
_OTHER = "bold blue"  # secondary marks and what is said of them
_ADVICE = "bold green"

_MARGIN = 3  # columns before the line number
_TAB = " " * 4  # wherever it stands, so that an underline needs no knowledge of what is before
_COLUMNS = " " * 3  # what stands between the two columns of a label's text
_HANGING = " " * 2  # before the second line of what is too long for one
_LONGEST_PATH = 100
_USES_SHOWN = 5
_NARROWEST = 10  # cells of a source line or a paragraph that are shown however narrow the page
_WIDEST = 1000  # cells of a source line that are shown when the page has no width

_Line = list[tuple[str, str]]  # stretches of text, each with its style


def render_text(diagnostics: Iterable[Diagnostic], width: int | None = None) -> Text:
    """Return the diagnostics one below the other, with a blank line between two.

    Long source lines and paragraphs are fitted to ``width`` cells; without it only absurdly long
    source lines are cut. Print the result with ``soft_wrap=True``: the layout is complete.

    A label whose text holds three spaces in a row has two columns there; the second columns of
    all labels on a source line are aligned.
    """
    parts: _Line = []
    for diagnostic in diagnostics:
        for line in _diagnostic(diagnostic, width):
            parts += (*line, ("\n", ""))
        parts.append(("\n", ""))
    return Text.assemble(*parts[:-2], no_wrap=True, overflow="ignore")


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """Return how many there are of each severity (``2 errors, 1 warning``); "" for none."""
    found = [diagnostic.severity for diagnostic in diagnostics]
    counts = ((found.count(severity), severity) for severity in Severity)
    return ", ".join(f"{n} {severity}{'' if n == 1 else 's'}" for n, severity in counts if n)


def _diagnostic(diagnostic: Diagnostic, width: int | None) -> Iterator[_Line]:
    yield from _headline(diagnostic, width)
    if diagnostic.primary is not None:
        yield from _places(diagnostic, diagnostic.primary, width)
    for note in diagnostic.notes:
        yield from _paragraph("note", note, width)
    if diagnostic.help is not None:
        yield from _paragraph("help", diagnostic.help, width)


def _headline(diagnostic: Diagnostic, width: int | None) -> Iterator[_Line]:
    kind = f"{diagnostic.severity}[{visible(diagnostic.code)}]"
    whole = f"{kind}: {visible(diagnostic.message)}"
    first, *rest = _wrap(whole, width, len(_HANGING))
    size = len(kind)
    yield [(first[:size], _COLOURS[diagnostic.severity]), (first[size:], "bold")]
    for line in rest:
        yield [(_HANGING + line, "bold")]


def _paragraph(kind: str, text: str, width: int | None) -> Iterator[_Line]:
    start = f"  {kind}: "
    room = None if width is None else width - len(start)
    lines = [part for line in text.split("\n") for part in _wrap(visible(line), room)]
    yield [(start, _ADVICE), (lines[0], "")]
    for line in lines[1:]:
        yield [(" " * len(start) + line if line else "", "")]


def _places(diagnostic: Diagnostic, primary: Label, width: int | None) -> Iterator[_Line]:
    """Yield the lines that show where: one snippet for each file, the primary's first."""
    by_source: dict[int, list[Label]] = {}
    for label in (primary, *diagnostic.labels):
        by_source.setdefault(id(label.span.source), []).append(label)
    digits = len(str(max(label.span.line for label in (primary, *diagnostic.labels))))
    room = _WIDEST if width is None else max(_NARROWEST, width - _MARGIN - digits - len(" | "))
    styles = {"^": _COLOURS[diagnostic.severity], "-": _OTHER, " ": ""}
    page = _Page(primary, styles, digits, room)
    for labels in by_source.values():
        first = min(labels, key=lambda label: (label is not primary, label.span.start))
        yield from _arrow(first.span, diagnostic.use if first is primary else None, width)
        yield from page.snippet(first.span.source, labels)


def _arrow(span: Span, use: Use | None, width: int | None) -> Iterator[_Line]:
    """Yield ``  --> file:line:column`` and, beside it or else below, the chain of uses."""
    place = visible(str(span))
    chain = use.chain() if use else ()
    uses = [_use(link, span.source) for link in chain[:_USES_SHOWN]]
    if len(chain) > _USES_SHOWN:
        uses.append(f"and {len(chain) - _USES_SHOWN} more")
    indent = " " * (len("  --> ") + cell_len(place) + 3)
    if width is not None and any(cell_len(indent + line) > width for line in uses):
        indent = _HANGING * 2
    elif uses:
        place += f"   {uses.pop(0)}"
    yield [("  --> ", _FRAME), (place, "")]
    for line in uses:
        room = None if width is None else width - len(indent)
        first, *rest = _wrap(line, room, len(_HANGING))
        yield [(indent + first, "")]
        for more in rest:
            yield [(indent + _HANGING + more, "")]


def _use(use: Use, here: Source) -> str:
    line, column = use.span.source.position(use.span.start)
    place = f"{line}:{column}" if use.span.source is here else str(use.span)
    path = use.path
    if len(path) > _LONGEST_PATH:  # a def that uses itself a hundred times
        path = f"{path[: _LONGEST_PATH // 2]}...{path[-_LONGEST_PATH // 2 :]}"
    return visible(f"in {use.what}, used at {place}" + (f" as {path}" if path else ""))


class _Mark(NamedTuple):
    """The part of a label that is on one source line, in code points or in cells of it."""

    start: int
    end: int
    sign: str  # "^" for the primary, which by code point comes after the "-" of the others
    text: str


@dataclass(frozen=True, slots=True)
class _Page:
    """Lays out the snippets of one diagnostic, all with a gutter of the same width."""

    primary: Label
    styles: dict[str, str]  # of each sign and of what is said there
    digits: int
    room: int  # cells for a source line or for the text of a label

    def snippet(self, source: Source, labels: Iterable[Label]) -> Iterator[_Line]:
        """Yield each source line that has a label, with what is to be seen there below it."""
        by_line: dict[int, list[_Mark]] = {}
        for label in labels:
            by_line.setdefault(label.span.line, []).append(self._mark(label))
        before = min(by_line)
        for number in sorted(by_line):
            if number == before + 2:  # the line between takes no more room than "..."
                yield self._row(before + 1, _cut(source.line(before + 1), [], self.room)[0])
            elif number > before + 2:
                yield [(" " * _MARGIN + "...", _FRAME)]
            shown, marks = _cut(source.line(number), by_line[number], self.room)
            yield self._row(number, shown)
            yield from self._underline(marks)
            before = number

    def _mark(self, label: Label) -> _Mark:
        span, text = label.span, label.text
        line, column = span.source.position(span.start)
        length = len(span.source.line(line))
        start = min(column - 1, length)
        # A span that ends just behind a line break does not reach into the next line.
        last = span.source.position(max(span.start, span.end - 1))[0]
        if last > line:
            text = f"{text} (to line {last})" if text else f"to line {last}"
        end = max(start, min(start + span.end - span.start, length))
        return _Mark(start, end, "^" if label is self.primary else "-", visible(text))

    def _row(self, number: int | str, text: str, style: str = "") -> _Line:
        text = text.rstrip()
        start = (f"{'':{_MARGIN}}{number:>{self.digits}} |", _FRAME)
        return [start, (f" {text}", style)] if text else [start]

    def _underline(self, marks: list[_Mark]) -> Iterator[_Line]:
        """Yield the row of marks, which may end in a text, and a row for each text left over."""
        end = max(mark.end for mark in marks)
        cells = [" "] * end
        for mark in sorted(marks, key=lambda mark: mark.sign):  # the primary is on top
            cells[mark.start : mark.end] = mark.sign * (mark.end - mark.start)
        row = [*self._row("", ""), (" ", "")]
        row.extend(("".join(run), self.styles[sign]) for sign, run in groupby(cells))

        # From right to left: the rightmost text is read on the row itself if there is room.
        order = sorted(marks, key=lambda mark: (mark.end, mark.sign, mark.start), reverse=True)
        beside = order[0] if order[0].text else None
        texts = _align([(end + 1 if m is beside else m.start, m.text) for m in order])
        if beside and end + 1 + cell_len(texts[0]) > self.room:
            beside = None
            texts = _align([(mark.start, mark.text) for mark in order])
        if beside:
            row.append((f" {texts[0]}", self.styles[beside.sign]))
        yield row
        for mark, text in zip(order, texts, strict=True):
            if mark.text and mark is not beside:
                if cell_len(text) > self.room:
                    text = " ".join(text.split())  # columns are of no use on several lines
                start = max(0, min(mark.start, self.room - cell_len(text)))
                first, *rest = _wrap(text, self.room - start, len(_HANGING))
                yield self._row("", " " * start + first, self.styles[mark.sign])
                for line in rest:
                    yield self._row("", _HANGING + line, self.styles[mark.sign])


def _align(texts: list[tuple[int, str]]) -> list[str]:
    """Bring the second columns of texts, each with the cell where it starts, under each other."""
    pairs = [(start, *text.partition(_COLUMNS)) for start, text in texts]
    second = max((start + cell_len(first) for start, first, gap, _ in pairs if gap), default=0)
    return [
        first + gap + " " * (second - start - cell_len(first) if gap else 0) + rest.lstrip(" ")
        for start, first, gap, rest in pairs
    ]


def _cut(line: str, marks: list[_Mark], room: int) -> tuple[str, list[_Mark]]:
    """Return what is shown of a line, at most ``room`` cells, and the marks in cells of that."""
    low, high = 0, len(line)
    if len(line) > room or cell_len(_shown(line)) > room:
        low, high = _window(line, marks, room - 2)
    before, after = "…" if low else "", "…" if high < len(line) else ""

    def cell(offset: int) -> int:
        return cell_len(before + _shown(line[low:offset])) if offset >= low else 0

    moved = []
    for mark in marks:  # one outside the window is drawn under the ellipsis on its side
        start = cell(min(mark.start, high))
        end = cell(min(mark.end, high)) + (mark.end > high)
        moved.append(mark._replace(start=start, end=max(end, start + 1)))
    return before + _shown(line[low:high]) + after, moved


def _window(line: str, marks: list[_Mark], room: int) -> tuple[int, int]:
    """Return a stretch of at most ``room`` cells around all marks, or else around one of them."""
    start = min((mark.start for mark in marks), default=0)
    end = max((mark.end for mark in marks), default=0)
    if end - start > room or cell_len(_shown(line[start:end])) > room:
        focus = max(marks, key=lambda mark: mark.sign)
        start, end = focus.start, focus.end
    low = high = start
    while low > 0 or high < len(line):
        # To the end of the mark first, then by turns, so that it stands in the middle.
        right = high < len(line) and (high < end or low == 0 or high - end <= start - low)
        char = line[high] if right else line[low - 1]
        room -= 1 if " " <= char <= "~" else max(1, cell_len(_shown(char)))
        if room < 0:
            break
        low, high = (low, high + 1) if right else (low - 1, high)
    return low, high


def _shown(line: str) -> str:
    return visible(line.replace("\t", _TAB))


def _wrap(text: str, room: int | None, hanging: int = 0) -> list[str]:
    """Break a text at spaces into lines of ``room`` cells, and a word that is longer than that.

    If it takes several lines, ``hanging`` cells are left free in each.
    """
    if room is None or cell_len(text) <= room:
        return [text]
    room = max(room - hanging, _NARROWEST)
    lines: list[str] = []
    for word in text.split(" "):
        for piece in chop_cells(word, room) if word else [""]:
            if lines and cell_len(lines[-1]) + 1 + cell_len(piece) <= room:
                lines[-1] += f" {piece}"
            else:
                lines.append(piece)
    return lines
