"""Which characters may stand in a figure: names come from specs, and may hold anything."""

from __future__ import annotations

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
LONGEST = 300
"""Characters of a text; no figure has room for more. Layouts shorten texts long before that."""
LONGEST_TITLE = 1000
"""Characters of a tooltip."""

# Control characters, formats (which bidi overrides are), lone surrogates, separators of lines.
_BAD = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))


def cleaned(text: str, longest: int = LONGEST) -> str:
    r"""Return a text without what XML forbids, a line breaks at, or changes the order of others.

    >>> cleaned("a\x00b\u202Ec"), cleaned("abcdef", 4)
    ('a�b�c', 'abc…')
    """
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _may_stand(c) else REPLACEMENT for c in text)


def _may_stand(character: str) -> bool:
    # The last two of each plane are no characters, and XML has no place for those of the first.
    is_none = ord(character) & 0xFFFE == 0xFFFE
    return not is_none and unicodedata.category(character) not in _BAD
