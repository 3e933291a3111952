"""Diagnostics as SARIF 2.1.0 (OASIS), which code scanning services and editors read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from urllib.parse import quote

from archdsl.diagnostics.catalogue import CATALOGUE
from archdsl.diagnostics.diagnostic import Diagnostic, Severity, said_at_length
from archdsl.diagnostics.escaping import visible
from archdsl.diagnostics.explain import explain
from archdsl.diagnostics.fix import Fix
from archdsl.source import Source, Span

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}

_LINK = re.compile(r"\[(?=[^\]\n]*\]\()")  # SARIF's own syntax within messages

_Object = dict[str, object]


def to_sarif(diagnostics: Iterable[Diagnostic]) -> str:
    """Return a SARIF log of one run, with a result for each diagnostic, in the order given.

    Rules are the codes that occur, each with its page as help. Columns count code points from 1.
    Secondary labels and the chain of uses are related locations.
    """
    found = list(diagnostics)
    codes = list(dict.fromkeys(diagnostic.code for diagnostic in found))
    driver = {
        "name": "archdsl",
        "version": version("archdsl"),
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes) for diagnostic in found],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    # In ASCII, for a lone surrogate has no other form that every reader of JSON can decode.
    return json.dumps(log, indent=2, ensure_ascii=True)


def _rule(code: str) -> _Object:
    entry, page = CATALOGUE.get(code), explain(code)
    rule: _Object = {"id": code}
    if entry is not None and page is not None:
        rule["name"] = entry.slug
        rule["shortDescription"] = {"text": entry.title}
        rule["help"] = {"text": page, "markdown": page}
    return rule


def _result(diagnostic: Diagnostic, codes: Sequence[str]) -> _Object:
    result: _Object = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": _LEVELS[diagnostic.severity],
        "message": _message(said_at_length(diagnostic)),
    }
    if diagnostic.primary is not None:
        result["locations"] = [_location(diagnostic.primary.span, diagnostic.primary.text)]
    related = [(label.span, label.text) for label in diagnostic.labels]
    for use in diagnostic.use.chain() if diagnostic.use else ():
        where = f" as {use.path}" if use.path else ""
        related.append((use.span, f"in {use.what}, used here{where}"))
    if related:
        result["relatedLocations"] = [
            {"id": number, **_location(span, text)} for number, (span, text) in enumerate(related)
        ]
    if diagnostic.fix is not None:
        result["fixes"] = [_fix(diagnostic.fix)]
    return result


def _location(span: Span, text: str) -> _Object:
    place = {"artifactLocation": _artifact(span.source), "region": _region(span)}
    location: _Object = {"physicalLocation": place}
    if text:
        location["message"] = _message(text)
    return location


def _message(text: str) -> _Object:
    """Return a text as a message; what would be read as a link is none."""
    shown = "\n".join(visible(line) for line in text.split("\n"))
    return {"text": _LINK.sub(r"\\[", shown)}


def _artifact(source: Source) -> _Object:
    """Return where a file is: relative to where the command ran, unless its path is absolute."""
    # A path that is no UTF-8 holds lone surrogates; they are written as the bytes they stand for.
    name = quote(source.name.replace(os.sep, "/").encode("utf-8", "surrogatepass"))
    return {"uri": f"file://{name}" if name.startswith("/") else name}


def _region(span: Span) -> _Object:
    end_line, end_column = span.end_position
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": end_line,
        "endColumn": end_column,
    }


def _fix(fix: Fix) -> _Object:
    replacements = [
        {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        for edit in fix.edits
    ]
    change = {"artifactLocation": _artifact(fix.source), "replacements": replacements}
    title = fix.title if fix.certain else f"{fix.title} (perhaps)"
    return {"description": _message(title), "artifactChanges": [change]}
