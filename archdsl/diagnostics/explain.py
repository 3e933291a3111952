"""The page of a code: what it means, a wrong and a right example."""

from __future__ import annotations

from archdsl.diagnostics.catalogue import CATALOGUE
from archdsl.resources import resource


def explain(code_or_slug: str) -> str | None:
    """Return the text of a code's page, by its code or its slug in any case, or None."""
    wanted = code_or_slug.strip().lower()
    for entry in CATALOGUE.values():
        if wanted in (entry.code.lower(), entry.slug):
            return resource(f"docs/errors/{entry.code}.md").read_text(encoding="utf-8")
    return None
