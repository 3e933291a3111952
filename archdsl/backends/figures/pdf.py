"""PDF whose bytes depend on the figure alone: the date of its making is written over."""

from __future__ import annotations

import re

_DATE = re.compile(rb"/(?:CreationDate|ModDate) ?\(D:([^)]*)\)")


def fix_dates(pdf: bytes) -> bytes:
    """Return a PDF of the same length in which every date is the first of January 1980.

    >>> fix_dates(b"/CreationDate (D:20261128085909Z)")
    b'/CreationDate (D:19800101000000Z)'
    """
    return _DATE.sub(_dated, pdf)


def _dated(match: re.Match[bytes]) -> bytes:
    found = match[1]
    fixed = (b"19800101000000" + re.sub(rb"\d", b"0", found[14:]))[: len(found)]
    return match[0].replace(found, fixed)
