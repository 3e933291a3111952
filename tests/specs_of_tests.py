"""All texts in the language that the repository has: specs, tests, pages."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from markdown_cases import load_files, read_cases

ROOT = Path(__file__).parents[1]


@cache
def spec_texts() -> dict[str, str]:
    """Return the specs by name, the standard library among them."""
    folder = ROOT / "specs"
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.arch"))
    }


def spec_files(name: str) -> dict[str, str]:
    """Return a spec as the main file, with all others beside it."""
    texts = spec_texts()
    beside = {other.rpartition("/")[2]: text for other, text in texts.items()}
    return {"main.arch": texts[name], **beside}


@cache
def clean_texts() -> list[str]:
    """Return every text of specs, Markdown tests and error pages that reads without an error.

    They are loaded, not expanded: that takes twenty times as long, and reads nothing more.
    """
    found = list(spec_texts().values())
    for folder in (ROOT / "tests" / "language", ROOT / "docs" / "errors"):
        for path in sorted(folder.glob("*.md")):
            for case in read_cases(path.read_text(encoding="utf-8")):
                diagnostics = load_files(case.files).problems.sorted()
                # A number that is too large is found as the text is read, like those of syntax.
                if not any(d.code.startswith(("ARCH0", "ARCH114")) for d in diagnostics):
                    found += case.files.values()
    return found
