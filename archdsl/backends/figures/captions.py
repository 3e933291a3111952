"""What operators are called in figures, and what each is to the reader."""

from __future__ import annotations

from archdsl.aggregators import AGGREGATORS, READOUTS
from archdsl.backends.figures.drawing import Role
from archdsl.backends.tables.cells import show
from archdsl.ir import Node
from archdsl.ir.naming import snake_case
from archdsl.operators import OPERATORS, activation, dropping, normalization
from archdsl.operators.operator import Shape
from archdsl.operators.signature import Value

UNITS = {"Basic": "residual", "BasicProjected": "residual"}
"""What defs of the standard library are called where their name alone would not tell."""

_FOLLOWS = (activation.__name__, dropping.__name__, normalization.__name__)


def follows(node: Node) -> bool:
    """Whether an operator is drawn with what stands before it: ``BN``, ``ReLU``, ``dropout``."""
    operator = OPERATORS.get(node.op)
    return operator is not None and type(operator).__module__ in _FOLLOWS


def title(node: Node) -> str:
    """Return what a box of this operator is called; its stride, if any, is part of that."""
    a = node.arguments
    match node.op:
        case "conv":
            return f"conv {_size(a['k'])}{_stride(a['stride'])}, {a['c']}"
        case "convtranspose":
            return f"conv T {_size(a['k'])}{_stride(a['stride'], '↑')}, {a['c']}"
        case "slice":
            return f"slice {a['start']} to {'end' if a['stop'] is None else a['stop']}"
        case "pad":
            return f"pad {_all(a['padding'])}"
        case "dwconv":
            return f"dw conv {_size(a['k'])}{_stride(a['stride'])}"
        case "maxpool" | "avgpool":
            by = a["stride"] if a["stride"] is not None else a["k"]
            return f"{node.op[:3]} pool {_size(a['k'])}{_stride(by)}"
        case "subsample":
            return f"subsample{_stride(a['stride'])}"
        case "foreign":
            return str(a["model"])
        case "feature":
            return node.id.removeprefix("backbone.")
    operator = OPERATORS.get(node.op) or AGGREGATORS.get(node.op)
    if operator is not None:
        return _filled(operator.picture, node)
    readout = READOUTS.get(node.op.removeprefix("readout_"))
    return f"readout: {readout.picture}" if readout is not None else node.op


def short(node: Node) -> str:
    """Return what an operator is called where there is little room: its kind, kernel, stride."""
    a = node.arguments
    match node.op:
        case "conv":
            return f"conv {_size(a['k'])}{_stride(a['stride'])}"
        case "maxpool" | "avgpool":
            by = a["stride"] if a["stride"] is not None else a["k"]
            if by == a["k"] and node.op == "maxpool":
                return f"pool{_stride(by)}"
    return title(node)


def detail(node: Node) -> str:
    """Return what else is worth saying of an operator; often empty."""
    a = node.arguments
    said = []
    if a.get("groups", 1) != 1 and node.op == "conv":
        said.append(f"{a['groups']} groups")
    if a.get("dilation") not in (None, 1, (1, 1)):
        said.append(f"dilation {_all(a['dilation'])}")
    return " · ".join(said)


def role(node: Node, before: Shape | None) -> Role:
    """Return what an operator is; ``before`` is the shape of its input."""
    operator = OPERATORS.get(node.op)
    if node.op == "linear":
        return Role.FC
    if operator is not None and operator.convolves:
        return Role.CONV
    if node.op in ("foreign", "feature"):
        return Role.CONV
    if before is not None and len(before) == 3:
        smaller = len(node.shape) == 1 or node.shape[1] < before[1] or node.shape[2] < before[2]
        if smaller and node.op != "flatten":
            return Role.DOWN
    return Role.OTHER


def unit(definition: str, shape: Shape, *, is_forked: bool = True) -> str:
    """Return what one use of a def is called: its name and the channels that it makes.

    Of the names in :data:`UNITS` only defs are called that have branches, as those units do.

    >>> unit("Basic", (64, 8, 8)), unit("DenseLayer", (32, 8, 8)), unit("MBConv", (16, 8, 8))
    ('residual 64', 'dense layer 32', 'MB conv 16')
    """
    if is_forked and definition in UNITS:
        return f"{UNITS[definition]} {shape[0]}"
    words = snake_case(definition).split("_")
    capitals = [w.upper() if len(w) > 1 and w.upper() in definition else w for w in words]
    return f"{' '.join(capitals)} {shape[0]}"


def shape_text(shape: Shape) -> str:
    """Return a shape as figures write it: height × width × channels."""
    return show(shape)


def _filled(picture: str, node: Node) -> str:
    values = {name: _size(value) for name, value in node.arguments.items()}
    return picture.format_map(values)


def _size(value: Value) -> str:
    """Return a number, or both of two."""
    if isinstance(value, tuple):
        return "×".join(str(v) for v in value)
    return f"{value:.3g}" if isinstance(value, float) else f"{value}"


def _all(value: Value) -> str:
    """Return several numbers as one where they are equal.

    >>> _all((2, 2)), _all((1, 1, 1, 2))
    ('2', '1×1×1×2')
    """
    return _size(value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value)


def _stride(value: Value, sign: str = "/") -> str:
    """Return a stride as an appendix; nothing where it is 1.

    >>> _stride((2, 2)), _stride((2, 1)), _stride((1, 1))
    (' /2', ' /2×1', '')
    """
    both = value if isinstance(value, tuple) else (value, value)
    if both == (1, 1):
        return ""
    return f" {sign}{both[0]}" if both[0] == both[-1] else f" {sign}{both[0]}×{both[-1]}"
