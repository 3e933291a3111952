"""All layers of a network as an HTML table: for screen readers, printing, looking things up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from archdsl.backends.figures import captions
from archdsl.backends.figures.drawing import Drawing
from archdsl.backends.figures.facts import Facts, amount
from archdsl.ir import Network

_HEADINGS = (
    "layer", "operator", "in", "out", "parameters", "MACs", "receptive field", "defined at"
)  # fmt: skip
_NUMBERS = ("parameters", "MACs")


def table(network: Network, drawings: Mapping[str, Drawing], rows: Sequence[Facts]) -> str:
    """Return the table; the name of a layer leads to its box in the last drawing that has it."""
    linked = {id: name for name, drawing in drawings.items() for id in _drawn(drawing)}
    head = "".join(f'<th scope="col"{_number(heading)}>{heading}</th>' for heading in _HEADINGS)
    return "\n".join(
        [
            "<table>",
            f"<caption>{_summary(network, len(rows))}</caption>",
            f"<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *(_row(i, facts, linked) for i, facts in enumerate(rows)),
            "</tbody>",
            "</table>",
        ]
    )


def _drawn(drawing: Drawing) -> Iterator[str]:
    for box in drawing.boxes():
        yield from box.nodes


def _number(heading: str) -> str:
    return ' class="number"' if heading in _NUMBERS else ""


def _summary(network: Network, layers: int) -> str:
    parts = [
        f"<b>{layers}</b> layers",
        f"<b>{amount(network.params)}</b> parameters",
        f"<b>{amount(network.macs)}</b> MACs an image",
        f"input <b>{captions.shape_text(network.input)}</b>",
    ]
    return " · ".join(parts)


def _row(number: int, facts: Facts, linked: Mapping[str, str]) -> str:
    view = linked.get(facts.title)
    name = escape(facts.title)
    cells = [
        escape(facts.operator),
        escape(" and ".join(facts.inputs)),
        escape(facts.output),
        f"{facts.params:,}" if facts.params else "",
        f"{facts.macs:,}" if facts.macs else "" if facts.live else "never computed",
        escape(facts.field),
        escape(" → ".join(facts.defined)),
    ]
    link = f'<a href="#{escape(view)}/{number}">{name}</a>' if view else name
    dead = "" if facts.live else ' class="dead"'
    rest = "".join(
        f"<td{_number(heading)}>{cell}</td>"
        for heading, cell in zip(_HEADINGS[1:], cells, strict=True)
    )
    return f'<tr{dead}><th scope="row">{link}</th>{rest}</tr>'
