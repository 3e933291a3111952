"""Text to nodes: builds lark's parser from the grammar, runs it, builds the nodes."""

from __future__ import annotations

import hashlib
import os
import pickle
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import lark
from lark import Lark

from archdsl.diagnostics import Diagnostic, Problems
from archdsl.resources import resource
from archdsl.source import Source, Span
from archdsl.syntax import messages, nodes
from archdsl.syntax.braces import MOST_GUESSES, Guess, guesses
from archdsl.syntax.build import Builder, TooDeep
from archdsl.syntax.collecting import no_collection
from archdsl.syntax.feeding import MAX_NESTING
from archdsl.syntax.lexer import OnePassLexer
from archdsl.syntax.recovery import Run
from archdsl.syntax.recursion import room_to_recurse

MAX_TEXT = 1_000_000
"""The most characters a file may have."""

MAX_REMEMBERED = 200_000
"""The most characters of a file that is remembered once it is parsed; it takes 14 MB."""

_MOST_EFFORT = 100_000
"""How many characters are read again at most, to find out what is wrong with the braces."""


def _cache_file(grammar: str) -> Path | None:
    """Return where the parse tables are kept between runs, or None where nothing can be written."""
    key = hashlib.sha256(f"{lark.__version__} one-pass {grammar}".encode()).hexdigest()[:16]
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(base) / "archdsl"
    with suppress(OSError, RuntimeError):
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder / f"grammar-{key}.pickle"
    return None


@lru_cache(maxsize=1)
def grammar_parser() -> Lark:
    """Return lark's parser of the grammar, from the cache if it is there."""
    grammar = resource("grammars/arch.lark").read_text(encoding="utf-8")
    cache = _cache_file(grammar)
    if cache is not None and cache.is_file():
        # A damaged cache is made anew; it is the user's own file, trusted like any .pyc.
        with suppress(Exception), cache.open("rb") as file:
            data = pickle.load(file)
            loaded: Lark = Lark._load_from_dict(  # type: ignore[no-untyped-call]
                data["data"], data["memo"]
            )
            return loaded
    parser = Lark(
        grammar,
        parser="lalr",
        lexer=OnePassLexer,
        keep_all_tokens=True,
        maybe_placeholders=False,
    )
    if cache is not None:
        with suppress(OSError):
            temporary = cache.with_suffix(f".{os.getpid()}")
            with temporary.open("wb") as file:
                parser.save(file)
            temporary.replace(cache)
    return parser


def read_tree(source: Source, problems: Problems) -> Any | None:
    """Return the lossless tree of a text, for the formatter; None where the text has faults."""
    if len(source.text) > MAX_TEXT:
        problems.add(messages.too_long(source, len(source.text), MAX_TEXT))
        return None
    try:
        tree = Run(source, problems, grammar_parser()).run()
    except TooDeep as too_deep:
        problems.add(messages.too_deep(too_deep.span, MAX_NESTING))
    return None if problems.has_errors else tree


def parse(source: Source, problems: Problems) -> nodes.File:
    """Parse a text. Faults are added to ``problems``; what could be read is returned.

    They may stand on another source of the same name, text and path, which was parsed before.
    """
    if len(source.text) > MAX_REMEMBERED:
        file, faults = _parse(source)
    else:
        file, faults = remembered(source.name, source.text, source.path)
    problems.extend(faults)
    return file


@lru_cache(maxsize=8)
def remembered(
    name: str, text: str, path: Path | None
) -> tuple[nodes.File, tuple[Diagnostic, ...]]:
    """Return a file and its faults.

    The standard library, and a spec that is loaded for each of its models or each change of a
    parameter, are parsed once: that is most of what loading costs. Nothing changes a node.
    """
    return _parse(Source(name, text, path))


def _parse(source: Source) -> tuple[nodes.File, tuple[Diagnostic, ...]]:
    everything = (Span(source, 0, len(source.text)),)
    if len(source.text) > MAX_TEXT:
        too_long = messages.too_long(source, len(source.text), MAX_TEXT)
        return nodes.File(source, lost=everything), (too_long,)
    with room_to_recurse(), no_collection():
        try:
            found, file = _best_reading(source)
        except TooDeep as too_deep:
            found = Problems()
            found.add(messages.too_deep(too_deep.span, MAX_NESTING))
            file = nodes.File(source, lost=everything)
    return file, found.sorted()


def _best_reading(source: Source) -> tuple[Problems, nodes.File]:
    """Return the file, with the braces that leave the fewest faults; raises TooDeep."""
    made: Guess = {}
    best = _reading(source, made)
    if not best[1].faults:
        return best  # what the builder found is no matter of braces
    effort = _MOST_EFFORT
    # What every guess explains is a fault that is found anyway.
    while len(best[0].sorted()) > len(made) and effort > 0:
        effort -= MOST_GUESSES * len(source.text)
        tried = [(g, _reading(source, g)) for g in islice(guesses(source.text, made), MOST_GUESSES)]
        guess, reading = min(tried, key=lambda t: _badness(t[1]), default=(made, best))
        # One that explains as much is better: it says where the indentation is at odds, too.
        if guess is made or _badness(reading) > _badness(best):
            break
        made, best = guess, reading
    return best


def _badness(reading: tuple[Problems, nodes.File]) -> tuple[int, int]:
    problems, file = reading
    return len(problems.sorted()), sum(span.end - span.start for span in file.lost)


def _reading(source: Source, braces: Guess) -> tuple[Problems, nodes.File]:
    """Return the file and its faults, with these braces put in or left out."""
    problems = Problems()
    run = Run(source, problems, grammar_parser(), braces)
    file: nodes.File = Builder(source, problems).build(run.run())
    return problems, nodes.File(source, file.items, tuple(run.lost), tuple(run.faults), run.is_torn)
