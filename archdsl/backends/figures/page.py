"""One HTML page with the figures of a network, to look around in: it needs nothing but a browser.

Everything is in the file: no library, no request, no network. The browser is told to refuse
anything else (a content security policy with the hashes of the one style and the one script).
Texts reach the page escaped, or as JSON that the script sets as text: no name can become markup.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import TypeAlias
from urllib.parse import quote

from archdsl.backends.figures.dot import names
from archdsl.backends.figures.drawing import Box, Drawing, Edge, Table
from archdsl.backends.figures.facts import Facts, box_facts, table_rows
from archdsl.backends.figures.listing import table
from archdsl.backends.figures.nearness import owners
from archdsl.backends.figures.theme import dark_rules
from archdsl.ir import Network
from archdsl.ir.naming import snake_case

Views: TypeAlias = Mapping[str, tuple[Drawing, str]]
"""By name: a drawing, and its SVG with ids that begin with :func:`prefix` of that name."""

LABELS = {"overview": "Overview", "column": "Column", "full": "Every layer", "table": "Table"}
FINEST = "full"
"""The view that shows every layer: what others show as one box is opened there."""
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="1" width="14" '
    'height="14" rx="4" fill="#0072B2"/><path d="M4 6h8M4 10h5" stroke="#fff" stroke-width="2"/>'
    "</svg>"
)


def prefix(view: str) -> str:
    """Return what all ids of a view's SVG begin with, so that views share none.

    >>> prefix("full")
    'full-'
    """
    return f"{view}-"


def page(
    title: str,
    network: Network | None,
    views: Views,
    *,
    diagnostics: str | None = None,
    stale: bool = False,
    theme: str = "auto",
) -> str:
    """Return the page: the views in their order, then the table of all layers.

    ``title`` and ``diagnostics`` are plain text. ``diagnostics`` stand beside the figure; with
    ``stale`` the figure is greyed, being that of an earlier spec. Without a network there are only
    the diagnostics. ``theme`` is light, dark, or auto: as the reader prefers. Equal arguments give
    equal bytes.
    """
    rows = table_rows(network) if network is not None else []
    style, script = _style(), _script()
    return _filled(
        _asset("page.html"),
        {
            "policy": _policy(style, script),
            "title": escape(title),
            "icon": quote(_ICON),
            "style": style,
            "stale": _state(network is None, stale),
            "theme": "" if theme == "auto" else f' data-wants="{escape(theme)}"',
            "tabs": "".join(_tabs(views)) if network is not None else "",
            "views": "\n".join(_sections(network, views, rows)),
            "diagnostics": _diagnostics(diagnostics, stale, network is None),
            "data": _json(_data(title, network, views, rows)),
            "script": script,
        },
    )


def _asset(name: str) -> str:
    # Imported here: it costs 10 ms. A zipped package has its files, too.
    from importlib.resources import files

    return files("archdsl.backends.figures").joinpath("assets", name).read_text(encoding="utf-8")


def _filled(template: str, values: Mapping[str, str]) -> str:
    """Put values in for ``@name@``; what looks like one within a value stays."""
    return re.sub(r"@([a-z]+)@", lambda match: values[match[1]], template)


def _script() -> str:
    code = _asset("canvas.js") + _asset("page.js")
    return f"'use strict';\n(() => {{\n{code}}})();\n"


def _style() -> str:
    """Return the page's style, and what makes figures dark where its button says so."""
    dark = dark_rules(':root[data-theme="dark"] .figure > svg')
    return f"{_asset('page.css')}@media screen {{{dark}}}\n"


def _taken(svg: str) -> tuple[str, str]:
    """Return an SVG as it may stand in a page, and the style that was taken out of it."""
    styles = re.findall(r"<style[^>]*>(.*?)</style>", svg, re.DOTALL)
    inner = re.sub(r"<style[^>]*>.*?</style>\s*", "", svg, flags=re.DOTALL)
    return inner[inner.index("<svg") :].strip(), "\n".join(styles)


def _policy(style: str, script: str) -> str:
    """Return the content security policy: this style, this script, the icon, and nothing else."""

    def hashed(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _state(is_empty: bool, stale: bool) -> str:
    names = [name for name, holds in (("only", is_empty), ("stale", stale)) if holds]
    return f' class="{" ".join(names)}"' if names else ""


def _tabs(views: Views) -> Iterator[str]:
    for name in (*views, "table"):
        label = escape(LABELS.get(name, name))
        yield (
            f'<button type="button" data-opens="{escape(name)}" aria-pressed="false">'
            f"{label}</button>"
        )


def _sections(network: Network | None, views: Views, rows: Sequence[Facts]) -> Iterator[str]:
    """Yield the views. The first is shown at once; without scripts, all of them are."""
    if network is None:
        return
    for name, (_, svg) in views.items():
        label = escape(LABELS.get(name, name))
        yield (
            f'<section class="view figure" data-view="{escape(name)}" aria-label="{label}">\n'
            f"{_taken(svg)[0]}\n</section>"
        )
    yield (
        '<section class="view listing" data-view="table" aria-label="Table" tabindex="-1">\n'
        f"{table(network, {name: d for name, (d, _) in views.items()}, rows)}\n</section>"
    )


def _diagnostics(text: str | None, stale: bool, is_empty: bool) -> str:
    if text is None:
        return ""
    if is_empty:
        heading, note = "The spec has errors", "There is no figure yet."
    elif stale:
        heading, note = "The spec has errors", "The figure is that of the last spec without any."
    else:
        heading, note = "The compiler says", ""
    said = f"<p>{note}</p>" if note else ""
    return (
        f'<aside class="diagnostics" role="status" aria-label="Diagnostics" tabindex="0">'
        f"<h2>{heading}</h2>{said}<pre>{escape(text)}</pre></aside>"
    )


def _data(
    title: str, network: Network | None, views: Views, rows: Sequence[Facts]
) -> dict[str, object]:
    """Return what the script has to know; layers are named by their number in the table."""
    numbers = {facts.title: i for i, facts in enumerate(rows)}
    found: dict[str, object] = {}
    for name, (drawing, svg) in views.items() if network is not None else ():
        assert network is not None
        called = _called(drawing)
        edges = [item for item in drawing.items if isinstance(item, Edge)]
        found[name] = {
            "prefix": prefix(name),
            "style": _taken(svg)[1],
            "boxes": _boxes(network, drawing, views, numbers),
            "edges": [[called.get(end, end) for end in (e.source, e.target)] for e in edges],
            "texts": owners(drawing),
        }
    file = snake_case(re.sub(r"\W+", "_", title)).strip("_") or "figure"
    return {"file": file, "layers": [facts.title for facts in rows], "views": found}


def _called(drawing: Drawing) -> dict[str, str]:
    """Return what each box is called in the SVG, by its id."""
    named = zip(drawing.items, names(drawing), strict=True)
    return {item.id: name for item, name in named if isinstance(item, Box | Table)}


def _boxes(
    network: Network, drawing: Drawing, views: Views, numbers: Mapping[str, int]
) -> dict[str, object]:
    opened = views[FINEST][0] if FINEST in views and drawing.view != FINEST else None
    inner = box_facts(network, opened) if opened is not None else {}
    inner_names = _called(opened) if opened is not None else {}
    called = _called(drawing)
    found: dict[str, object] = {}
    for id, facts in box_facts(network, drawing).items():
        shown = set(facts.nodes)
        if not facts.lines():
            continue  # the legend
        about: dict[str, object] = {
            "title": facts.title,
            "operator": facts.operator,
            "lines": facts.lines(),
            "nodes": [numbers[node] for node in facts.nodes if node in numbers],
        }
        inside = [inner_names[b] for b, other in inner.items() if shown & set(other.nodes)]
        if inside:
            about["opens"] = [FINEST, inside]
        found[called[id]] = about
    return found


def _json(data: object) -> str:
    """Return data as JSON that no HTML parser takes for markup."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
