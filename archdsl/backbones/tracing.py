"""The way from the image to the tapped modules, as straight-line code over the model's own modules.

Whatever holds no tapped module is called whole, so that only the code of the few modules around
the taps has to be followed.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch  # noqa: TID251 - a module of archdsl.backbones, imported when a spec asks for one
from torch import fx, nn  # noqa: TID251

from archdsl.backbones.facts import Fault, Refused
from archdsl.backbones.libraries import first_line

_INFIX: dict[Callable[..., Any], str] = {
    operator.add: "+",
    operator.iadd: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.imul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
}


class _Tracer(fx.Tracer):  # type: ignore[misc]
    """Follows the code of the modules that hold a tapped one; calls all others whole."""

    def __init__(self, opened: set[str]) -> None:
        super().__init__()
        self.opened = opened

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return module_qualified_name not in self.opened


def follow(model: nn.Module, opened: set[str]) -> fx.Graph:
    """Return the graph of a model, in which the modules not opened are called whole."""
    try:
        return _Tracer(opened).trace(model)
    except Exception as error:  # whatever the model's code does with a value it does not have
        raise Refused(Fault.CODE, found=first_line(error)) from error


def calls(graph: fx.Graph) -> dict[str, fx.Node]:
    """Return the last call of each module that a graph calls, in order."""
    found: dict[str, fx.Node] = {}
    for node in graph.nodes:
        if node.op == "call_module":
            found.pop(str(node.target), None)
            found[str(node.target)] = node
    return found


def trace(model: nn.Module, taps: Sequence[str]) -> tuple[fx.Graph, dict[str, fx.Node]]:
    """Return the graph that computes the tapped modules' outputs and no more, and their nodes."""
    holders = {path.rpartition(".")[0] for path in taps} - {""}
    opened = holders | {p[:i] for p in holders for i, c in enumerate(p) if c == "."}
    graph = follow(model, opened)
    called = calls(graph)
    for path in taps:
        if path not in called:
            raise Refused(Fault.CODE, path, "it is not called by the modules that hold it")
    found = {path: node for path, node in called.items() if path in taps}
    graph.erase_node(next(node for node in reversed(graph.nodes) if node.op == "output"))
    graph.output(tuple(found.values()))
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
    return graph, found


def code(
    model: nn.Module, taps: dict[str, str], overwritten: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the statements that compute the taps from ``model`` and ``x``.

    ``taps`` gives the variable of each tapped module; of those ``overwritten``, which a later
    module changes in place, a copy is handed on. The same statements hold in training and in
    evaluation; a model for which they do not is refused.
    """
    written = []
    for training in (True, False):
        model.train(training)
        graph, found = trace(model, list(taps))
        kept = {node: taps[path] for path, node in found.items() if path not in overwritten}
        copied = {node: taps[path] for path, node in found.items() if path in overwritten}
        written.append(_Writer(model, graph, kept, copied).lines())
    model.eval()
    if written[0] != written[1]:
        raise Refused(Fault.CODE, found="training and evaluation take different ways")
    return written[0]


class _Writer:
    """Writes a graph as statements."""

    def __init__(
        self,
        model: nn.Module,
        graph: fx.Graph,
        tapped: dict[fx.Node, str],
        copied: dict[fx.Node, str],
    ) -> None:
        self.model = model
        self.graph = graph
        self.tapped = tapped
        self.copied = copied
        self.names: dict[fx.Node, str] = {}

    def lines(self) -> tuple[str, ...]:
        """Return the statements."""
        nodes = [n for n in self.graph.nodes if n.op not in ("placeholder", "output")]
        for node in self.graph.nodes:
            if node.op == "placeholder":
                self.names[node] = "x"
                break
        last_use: dict[fx.Node, int] = {}
        for index, node in enumerate(nodes):
            for source in node.all_input_nodes:
                last_use[source] = index
        taken = {"x", "model", *self.tapped.values(), *self.copied.values()}
        holders: dict[str, fx.Node] = {name: node for node, name in self.names.items()}
        found: list[str] = []
        index = 0
        while index < len(nodes):
            node, text, step = self.statement(nodes, index)
            index += step
            if node in self.tapped:
                name = self.tapped[node]
            else:
                free = (v for v in ("x", "y", "z") if self.is_free(v, holders, last_use, index))
                name = next(free, node.name)
                while name in taken and name not in ("x", "y", "z"):
                    name += "_"
                taken.add(name)
                holders[name] = node
            self.names[node] = name
            found.append(f"{name} = {text}")
            if node in self.copied:
                found.append(f"{self.copied[node]} = {name}.clone()")
        return tuple(found)

    def is_free(
        self, name: str, holders: dict[str, fx.Node], last_use: dict[fx.Node, int], index: int
    ) -> bool:
        """Whether nothing from ``index`` on reads what a variable holds."""
        if name in self.tapped.values() or name in self.copied.values():
            return False
        return name not in holders or last_use.get(holders[name], -1) < index

    def statement(self, nodes: list[fx.Node], index: int) -> tuple[fx.Node, str, int]:
        """Return what is computed next, its text, and how many nodes that are."""
        run = self.run(nodes, index)
        node = nodes[index + run - 1]
        if run > 1:
            parent, _, first = str(nodes[index].target).rpartition(".")
            last = int(str(node.target).rpartition(".")[2]) + 1
            start = "" if first == "0" else first
            text = f"{self.module(parent)}[{start}:{last}]({self.argument(nodes[index].args[0])})"
            return node, text, run
        text = self.expression(node)
        if node.op == "call_function" and node.target in _INFIX:
            text = text[1:-1]  # parentheses that nothing needs around a whole statement
        return node, text, 1

    def run(self, nodes: list[fx.Node], index: int) -> int:
        """Return how many nodes, from one on, are neighbours in an nn.Sequential."""
        count = 1
        while index + count < len(nodes):
            this, following = nodes[index + count - 1], nodes[index + count]
            if not (
                self.after(this)
                and self.place(following) == self.after(this)
                and following.args == (this,)
                and list(this.users) == [following]
                and this not in self.tapped
                and this not in self.copied
            ):
                break
            count += 1
        return count

    def place(self, node: fx.Node) -> tuple[str, int] | None:
        """Return the nn.Sequential and the position of a module called with one argument."""
        parent, _, last = str(node.target).rpartition(".")
        called = node.op == "call_module" and len(node.args) == 1 and not node.kwargs
        if not called or not last.isdecimal():
            return None
        container = self.model.get_submodule(parent)
        return (parent, int(last)) if type(container) is nn.Sequential else None

    def after(self, node: fx.Node) -> tuple[str, int] | None:
        """Return the place behind a module."""
        here = self.place(node)
        return (here[0], here[1] + 1) if here else None

    def module(self, path: str) -> str:
        """Return the expression of a module, or of a parameter."""
        text, at = "model", ""
        for part in path.split(".") if path else ():
            container = self.model.get_submodule(at)
            if part.isidentifier():
                text += f".{part}"
            elif isinstance(container, nn.Sequential | nn.ModuleList) and part.isdecimal():
                text += f"[{part}]"
            else:
                text += f".get_submodule({json.dumps(part)})"
            at = f"{at}.{part}" if at else part
        return text

    def expression(self, node: fx.Node) -> str:
        """Return the expression that a node computes."""
        arguments = [self.argument(a) for a in node.args]
        keywords = [f"{k}={self.keyword(k, v)}" for k, v in node.kwargs.items()]
        given = ", ".join([*arguments, *keywords])
        match node.op:
            case "call_module":
                return f"{self.module(str(node.target))}({given})"
            case "get_attr":
                return self.module(str(node.target))
            case "call_method":
                return f"{arguments[0]}.{node.target}({', '.join([*arguments[1:], *keywords])})"
        function: Any = node.target
        if function in _INFIX and len(arguments) == 2:
            return f"({arguments[0]} {_INFIX[function]} {arguments[1]})"
        if function is operator.getitem:
            return f"{arguments[0]}[{self.index(node.args[1])}]"
        if function is getattr and isinstance(node.args[1], str):
            return f"{arguments[0]}.{node.args[1]}"
        name = fx.node._get_qualified_name(function)
        if name.startswith("torch.nn.functional."):
            return f"F.{name.rpartition('.')[2]}({given})"
        if name.startswith("torch.") and not name.startswith("torch._"):
            return f"{name}({given})"
        raise Refused(Fault.CODE, found=f"it calls {name}")

    def index(self, value: Any) -> str:
        if isinstance(value, tuple) and value:
            return ", ".join(map(self.index, value))
        if isinstance(value, slice) and value.step is None:
            ends = (value.start, value.stop)
            return ":".join("" if end is None else self.argument(end) for end in ends)
        return self.argument(value)

    def keyword(self, name: str, value: Any) -> str:
        return "model.training" if name == "training" else self.argument(value)

    def argument(self, value: Any) -> str:
        if isinstance(value, fx.Node):
            return self.names[value]
        if isinstance(value, tuple | list):
            inner = ", ".join(map(self.argument, value))
            if isinstance(value, list):
                return f"[{inner}]"
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if isinstance(value, slice):
            parts = (value.start, value.stop, value.step)
            return f"slice({', '.join(map(self.argument, parts))})"
        if isinstance(value, str):
            return json.dumps(value)
        if value is None or isinstance(value, bool | int | float | torch.dtype):
            return repr(value)
        if value is Ellipsis:
            return "..."
        raise Refused(Fault.CODE, found=f"a constant is a {type(value).__name__}")
