"""The reference of operators as Markdown: what each declaration says, and an example that runs."""

from __future__ import annotations

from types import ModuleType

from archdsl.backends.pytorch.render import call_text
from archdsl.backends.pytorch.structure import module_call
from archdsl.diagnostics import Problems
from archdsl.elaborate import elaborate, load
from archdsl.ir import Network
from archdsl.operators import FAMILIES, OPERATORS
from archdsl.operators.operator import Operator, render
from archdsl.operators.signature import Parameter
from archdsl.source import Source

INTRODUCTION = """\
# Operators

Every operator of the language: its arguments, what it makes of a shape, what it costs, and the
PyTorch that is written for it. Shapes are without the batch axis: a feature map is `[c, h, w]`, a
vector `[n]`. Arguments are named as in `torch.nn`, sizes of two axes are one number or
`[height, width]`, and what the input says (its channels) is never an argument. MACs are those of
convolutions and linear layers; everything else counts 0.

`archdsl operators NAME` prints one entry. This page is generated from the declarations in
`archdsl/operators/`; `pytest tests/operators --update` rewrites it.
"""


def page() -> str:
    """Return the whole reference, family by family."""
    parts = [INTRODUCTION]
    for family in FAMILIES:
        parts.append(f"## {title(family)}\n")
        parts += [entry(operator, level=3) for operator in family.OPERATORS]
    return "\n".join(parts)


def listing() -> str:
    """Return the names of all operators with a line each, family by family."""
    width = max(map(len, OPERATORS))
    lines: list[str] = []
    for family in FAMILIES:
        lines += ["", title(family)]
        lines += [f"  {each.name:{width}}  {each.summary}" for each in family.OPERATORS]
    return "\n".join(lines[1:]) + "\n"


def title(family: ModuleType) -> str:
    """Return what a family of operators is called: the name of its module."""
    return family.__name__.rpartition(".")[2].capitalize()


def entry(operator: Operator, level: int = 1) -> str:
    """Return the entry of one operator."""
    network = example_network(operator)
    node = next(node for node in network.nodes if node.op == operator.name)
    lines = [f"{'#' * level} {operator.name}", "", operator.summary]
    if details := operator.details:
        lines += ["", details]
    lines += ["", f"    {signature(operator)}", ""]
    if operator.parameters:
        lines += ["| argument | takes | default | |", "| --- | --- | --- | --- |"]
        lines += [_row(parameter) for parameter in operator.parameters]
        lines.append("")
    lines += [f"* Shape: {operator.rule}.", f"* Cost: {operator.cost}."]
    lines.append(f"* PyTorch: {pytorch(network, node.id)}")
    end = network.by_id[network.output].shape
    lines += [f"* Example: `{operator.example}`, from {render(network.input)} to {render(end)}", ""]
    return "\n".join(lines)


def signature(operator: Operator) -> str:
    """Return how an operator is called: ``linear(n, bias = true)``."""
    if operator.joins:
        return f"{operator.name}(a, b, ...)  or  {{ A | B | ... }} -> {operator.name}"
    shown = [p.name if p.required else f"{p.name} = {_default(p)}" for p in operator.parameters]
    return operator.name + (f"({', '.join(shown)})" if shown else "")


def example_network(operator: Operator) -> Network:
    """Return the network of an operator's example."""
    text = (
        f"arch 1\nmodel Example {{\n  input [64, 32, 32]\n  backbone {{ {operator.example} }}\n}}\n"
    )
    problems = Problems()
    program, resolution = load(Source("example.arch", text, None), _read_nothing, problems)
    elaborated = elaborate(program.root.symbols["Example"], resolution, problems)
    assert elaborated is not None and not problems.has_errors, problems.sorted()
    return elaborated.network


def pytorch(network: Network, id: str) -> str:
    """Return what is written for a node: the construction of its submodule, and its expression."""
    node = network.by_id[id]
    operator = OPERATORS[node.op]
    shapes = tuple(network.by_id[i].shape for i in node.inputs)
    made = ""
    module = operator.module(shapes, node.arguments)
    if module is not None:
        call = call_text(module_call(module, lambda _, value: repr(value))).flat
        where = ", a class in the emitted file" if module.source else ""
        made = f"`self.{node.op} = {call}`{where}; "
    expression = operator.expression(shapes, node.arguments)
    names = ("x", "y", "z")[: len(shapes)]
    values = {
        name: str(value[0]) if isinstance(value, tuple) and len(set(value)) == 1 else str(value)
        for name, value in expression.values.items()
    }
    text = expression.template.format(*names, module=node.op, inputs=", ".join(names), **values)
    return f"{made}`{text}`"


def _row(parameter: Parameter) -> str:
    wanted = parameter.kind.wanted + ("; by name alone" if parameter.named else "")
    default = "" if parameter.required else f"`{_default(parameter)}`"
    return f"| `{parameter.name}` | {wanted} | {default} | {parameter.doc} |"


def _default(parameter: Parameter) -> str:
    value = parameter.default
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:  # "step of the window; k unless given"
        return parameter.doc.rpartition("; ")[2].removesuffix(" unless given")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read_nothing(path: object) -> str:
    raise FileNotFoundError(2, "an example imports nothing")
