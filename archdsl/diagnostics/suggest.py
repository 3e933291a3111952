"""Did you mean: the nearest of the names that would have been right."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

MOST = 1000
"""Among more names than this none is looked for: it would take longer than the check itself."""


def edit_distance(a: str, b: str) -> int:
    """Return the number of insertions, deletions, replacements and swaps of neighbours.

    >>> edit_distance("rleu", "relu")
    1
    """
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that ``name`` was probably meant to be, or None.

    A candidate that differs only in case wins; else one within a third of the longer name's
    length (at least one edit, but not every letter), nearest first, then alphabetically; else the
    only single letter that has got a second one; else the only one that the name abbreviates, or
    that abbreviates the name.

    >>> nearest("batchnrom", ["batchnorm", "maxpool"])
    'batchnorm'
    >>> nearest("s", ["c", "k", "stride"])
    'stride'
    >>> nearest("kk", ["c", "k", "stride"])
    'k'
    """
    choices = sorted(set(islice(candidates, MOST + 1)))
    if len(name) > 100 or len(choices) > MOST:
        return None
    best: tuple[int, str] | None = None
    lower = name.lower()
    spelt = set(lower)
    for candidate in choices:
        if candidate.lower() == lower:
            return candidate
    for candidate in choices:
        limit = max(1, max(len(name), len(candidate)) // 3)
        if best is not None:
            limit = min(limit, best[0] - 1)
        other = candidate.lower()
        # An edit changes the length by one at most, and the letters by two.
        if abs(len(name) - len(candidate)) > limit or len(spelt ^ set(other)) > 2 * limit:
            continue
        distance = edit_distance(lower, other)
        if distance >= min(len(name), len(candidate)):
            continue
        if distance <= limit:
            best = (distance, candidate)
    if best is not None:
        return best[1]
    if len(name) == 2:  # a letter too many
        letters = [c for c in choices if len(c) == 1 and c in name]
        if len(letters) == 1:
            return letters[0]
    short = [c for c in choices if c.startswith(name) or (len(c) > 2 and name.startswith(c))]
    return short[0] if name and len(short) == 1 else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """Return a help line ``did you mean `x`?``, or one that lists the choices, or None."""
    choices = sorted(set(islice(candidates, MOST + 1)))
    guess = nearest(name, choices)
    if guess is not None:
        return f"did you mean `{guess}`?"
    if choices and len(choices) <= 12:
        return "choose one of: " + ", ".join(choices)
    return None
