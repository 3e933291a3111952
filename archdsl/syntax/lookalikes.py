"""Characters that are not the language's: what each is called, and what was probably meant.

The letters are those of Unicode's confusables that a keyboard or an editor brings forth by itself;
what is merely wide, bold or accented is found by its decomposition.
"""

from __future__ import annotations

_MEANT = dict(
    zip(
        "аеорсухіјѕһԁӏԛԝАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανιρ−–—‐‑“”„″·∗⋅÷∕",
        'aeopcyxijshdlqwABEKMHOPCTYXIJSABEZHIKMNOPTYXoavip-----""""***//',
        strict=True,
    )
)
_MEANT |= {"×": "*", "→": "->", "⇒": "->", "⟶": "->", "≤": "<=", "≥": ">=", "≠": "!=", "∧": "and"}
QUOTES = frozenset("“”„″")
"""What word processors make of a quotation mark."""

_SCRIPTS = frozenset("arabic armenian cherokee cyrillic greek hebrew latin".split())


def meant(char: str) -> str | None:
    """Return what stands for a character in ASCII; "" for one that is not seen, None for others.

    >>> [meant(c) for c in "\\u0430\\uff57é\\u2212\\u200bλ"]
    ['a', 'w', 'e', '-', '', None]
    """
    # Imported here: tables of Unicode are needed for faults alone.
    from unicodedata import category, combining, normalize

    if char in _MEANT:
        return _MEANT[char]
    if category(char) in ("Cc", "Cf", "Mn"):
        return ""
    if category(char) == "Zs":
        return " "
    plain = "".join(c for c in normalize("NFKD", char) if not combining(c))
    return plain if plain.isascii() and plain.isprintable() and plain else None


def is_certain(char: str) -> bool:
    """Whether nothing else can have been meant: an accent may be part of a word, elsewhere."""
    from unicodedata import decomposition

    found = decomposition(char)
    return not found or found.startswith("<")


def called(char: str) -> str:
    """Return a character with its code point and name, such as `` `а` (U+0430, ...)``."""
    from unicodedata import name

    words = name(char, "a control character" if ord(char) < 0xA0 else "no character").lower()
    words = " ".join(w.capitalize() if w in _SCRIPTS else w for w in words.split(" "))
    code = f"U+{ord(char):04X}"
    return f"`{char}` ({code}, {words})" if char.isprintable() else f"{code} ({words})"


def is_foreign(char: str) -> bool:
    """Whether a character is a letter or a digit, but not one of the language."""
    return not char.isascii() and (char.isalnum() or f"a{char}".isidentifier())


def word_around(text: str, start: int) -> int:
    """Return where a word ends that goes on at ``start``."""
    end = start
    while end < len(text) and (is_foreign(text[end]) or _is_of_word(text[end])):
        end += 1
    return end


def _is_of_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def spelt(word: str) -> str:
    """Return a word in ASCII, so that it is the same name wherever it occurs."""
    found = [c if c.isascii() else meant(c) for c in word]
    shown = "".join(f"u{ord(c):04X}" if f is None else f for c, f in zip(word, found, strict=True))
    return "".join(c for c in shown if _is_of_word(c)) or "_"
