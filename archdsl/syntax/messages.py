"""The wording of ARCH0xx: faults of syntax, and the limits that the parser holds."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Fix, Label
from archdsl.diagnostics.fix import Edit, is_slip, write
from archdsl.source import Source, Span
from archdsl.syntax import lookalikes

_KINDS = {
    "NAME": "a name",
    "INT": "a number",
    "FLOAT": "a number",
    "QUANTITY": "a number",
    "STRING": "a string",
    "_NL": "the end of the line",
    "$END": "the end of the file",
}
_INFIX = {"+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or"}
_SIGNS = {"&&": "and", "||": "or", "!": "not"}
"""Signs of other languages, and what they are here."""


def describe(terminal: str, pattern: str) -> str:
    """Return how a terminal is named in a message; empty for those that are never named."""
    if terminal in ("ERROR", "TOLERANCE", "SEMICOLON") or pattern in _INFIX:
        return ""
    return _KINDS.get(terminal, f"`{pattern}`")


def misspelt(place: Span, meant: str) -> Diagnostic:
    """Return: a word that is nearly a keyword, where only keywords may stand."""
    return Diagnostic(
        "ARCH001",
        f"{_shown(place.text)} cannot stand here",
        Label(place),
        help=f"did you mean `{meant}`?",
        fix=write(place, meant, certain=is_slip(place.text, meant)),
    )


def expected(place: Span, found: str, wanted: set[str], fix: Fix | None = None) -> Diagnostic:
    """Return: a token that cannot stand here; ``fix`` where one edit makes it fit."""
    choices = sorted(wanted - {""}, key=lambda w: (w.startswith("`"), w))
    shown = _shown(found)
    if not choices:
        help = None
    elif len(choices) <= 8:
        help = "write " + _either(choices) + " here"
    else:
        help = "one of these may stand here: " + ", ".join(choices)
    if len(choices) == 1:
        message = f"expected {choices[0]}, found {shown}"
    else:
        message = f"{shown} cannot stand here"
    return Diagnostic("ARCH001", message, Label(place), help=help, fix=fix)


def surplus(place: Span) -> Diagnostic:
    """Return: a token without which the statement would be right."""
    return Diagnostic(
        "ARCH001",
        f"{_shown(place.text)} cannot stand here",
        Label(place),
        help="remove it",
        fix=Fix(f"remove `{place.text}`", (Edit(place, ""),), certain=False),
    )


def inserted(before: Span, text: str) -> Fix:
    """Return the fix that writes a sign behind what stands before it, blanks as one writes them."""
    source, end = before.source, before.end
    spaced = f" {text}" if text in ("=", "->") else text
    if text not in (")", "]") and not source.text[end : end + 1].isspace():
        spaced += " "
    return Fix(f"insert `{text}`", (Edit(Span(source, end, end), spaced),))


def never_closed(place: Span, opener: str, fix: Fix | None = None) -> Diagnostic:
    """Return: a bracket without its closing partner; ``fix`` where it is clear where that is."""
    closer = {"(": ")", "[": "]", "{": "}"}[opener]
    return Diagnostic(
        "ARCH002",
        f"this `{opener}` is never closed",
        Label(place),
        help=f"add the missing `{closer}`",
        fix=fix,
    )


def unmatched(place: Span, closer: str) -> Diagnostic:
    """Return: a closing bracket that closes nothing."""
    # A brace too many may be a brace too few before it: that can be anywhere.
    fix = Fix(f"remove `{closer}`", (Edit(place, ""),), certain=closer != "}")
    return Diagnostic(
        "ARCH002", f"this `{closer}` closes nothing", Label(place), help="remove it", fix=fix
    )


def bad_characters(place: Span) -> Diagnostic:
    """Return: text that no token begins with."""
    text = place.text
    if text.startswith('"'):
        return Diagnostic(
            "ARCH003",
            "this string has no end",
            Label(place),
            help='close it with `"` on the same line',
        )
    if not (text.isascii() and text.isprintable()):
        return _unknown_characters(place)
    what = "this character means" if len(text) == 1 else "these characters mean"
    help = "comments begin with `#`, names have letters, digits and `_`"
    if text in _SIGNS:
        help = f"write `{_SIGNS[text]}`"
    return Diagnostic("ARCH003", f"{what} nothing here", Label(place), help=help)


def _unknown_characters(place: Span) -> Diagnostic:
    """Return: characters that are not of the language; they may look as if they were."""
    text = place.text
    odd = [char for char in text if not (char.isascii() and char.isprintable())]
    found = [lookalikes.meant(char) if char in odd else char for char in text]
    if text[0] in lookalikes.QUOTES and len(text) > 1:  # a string: what is in it may be anything
        odd, found = odd[:1], ['"', text[1:-1], '"']
    rest = f" and {len(odd) - 1} more mean" if len(odd) > 1 else " means"
    message = f"{lookalikes.called(odd[0])}{rest} nothing here"
    known = [char for char in found if char is not None]
    if len(known) < len(found):
        help = "names have the letters a to z, A to Z, digits and `_`"
        return Diagnostic("ARCH003", message, Label(place), help=help)
    plain = "".join(known)
    help = f"write `{_cut(plain)}`"
    if not plain.strip():
        help = "write a space" if plain else "remove it"
    certain = all(map(lookalikes.is_certain, odd))
    fix = Fix(help, (Edit(place, plain),), certain)
    return Diagnostic("ARCH003", message, Label(place), help=help, fix=fix)


def brace_on_next_line(place: Span) -> Diagnostic:
    """Return: a header whose body begins on the next line."""
    return Diagnostic(
        "ARCH001",
        "expected `{`, found the end of the line",
        Label(place),
        help="the brace of a body stands on the line of its header",
        fix=_joined(place),
    )


def _joined(end: Span) -> Fix | None:
    """Return the fix that joins a header and the brace on a line below, None behind a comment."""
    text = end.source.text
    brace = text.index("{", end.start)
    if text[end.start : brace].strip():
        return None
    gap = Span(end.source, end.start, brace)
    return Fix("put the brace on the line of its header", (Edit(gap, " "),))


def reserved(place: Span) -> Diagnostic:
    """Return: a keyword in place of a name."""
    return Diagnostic(
        "ARCH001",
        f"{_shown(place.text)} is a keyword here and cannot be a name",
        Label(place),
        help="choose another name",
    )


def bad_number(place: Span) -> Diagnostic:
    """Return: letters that stick to a number."""
    return Diagnostic(
        "ARCH003",
        f"{_shown(place.text)} is not a number",
        Label(place),
        help="numbers are written 64, 0.5, 1e-4, 300k, 6.7M or 1.2G; a name begins with a letter",
    )


def number_too_large(place: Span) -> Diagnostic:
    """Return: a number that nothing has."""
    return Diagnostic(
        "ARCH114", f"{_shown(place.text)} is too large", Label(place), help="numbers go up to 10^18"
    )


def chained_comparison(place: Span, middle: Span) -> Diagnostic:
    """Return: ``a < b < c``."""
    again = Edit(Span(place.source, place.start, place.start), f"and {middle.text} ")
    return Diagnostic(
        "ARCH006",
        "comparisons cannot be chained",
        Label(place),
        help="write `a < b and b < c`",
        fix=Fix(f"insert `and {middle.text}`", (again,)),
    )


def too_long(source: Source, length: int, most: int) -> Diagnostic:
    """Return: a text above the size limit."""
    return Diagnostic(
        "ARCH904",
        f"the file has {length:,} characters; the limit is {most:,}",
        Label(Span(source, 0, 1)),
        help="split it into files and import them",
    )


def too_long_word(place: Span, length: int, most: int) -> Diagnostic:
    """Return: a name or a string above the size limit."""
    what = "string" if place.text.startswith('"') else "name"
    return Diagnostic(
        "ARCH906",
        f"this {what} has {length:,} characters; the limit is {most:,}",
        Label(place),
        help=f"write a shorter {what}",
    )


def too_deep(place: Span, most: int) -> Diagnostic:
    """Return: nesting above the limit."""
    return Diagnostic(
        "ARCH902",
        f"nested deeper than {most} levels",
        Label(place),
        help="give the inner part a name with `def`",
    )


def _shown(found: str) -> str:
    if not found:
        return "the end of the file"
    if found.startswith(("\n", "\r")):
        return "the end of the line"
    return f"`{_cut(found)}`"


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _either(choices: list[str]) -> str:
    if len(choices) == 1:
        return choices[0]
    return ", ".join(choices[:-1]) + " or " + choices[-1]
