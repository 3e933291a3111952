"""What a backbone from elsewhere adds to a file: its features, its import, and its frozen state."""

from __future__ import annotations

import textwrap

from archdsl.backends.pytorch.layout import INDENT, WIDTH, Bracketed, lay_out, split_call
from archdsl.backends.pytorch.plan import Foreign, Plan
from archdsl.ir import Network, Node


def foreign_model(network: Network) -> Node | None:
    """Return the node of the model from elsewhere, if the network has one."""
    return next((node for node in network.nodes if node.op == "foreign"), None)


def is_frozen(network: Network) -> bool:
    """Whether the backbone is one from elsewhere that is not trained."""
    model = foreign_model(network)
    return model is not None and bool(model.arguments["frozen"])


def initialising(network: Network, *, others: bool) -> list[str]:
    """Return the last lines of the constructor; ``others``: there are weights beside a model's."""
    lines: list[str] = []
    if others and foreign_model(network) is not None:
        lines += [
            "for name, child in self.named_children():",
            f'{INDENT}if name != "backbone":',
            f"{INDENT * 2}child.apply(initialise)",
        ]
    elif others:
        lines.append("self.apply(initialise)")
    if is_frozen(network):
        lines.append("self.backbone.requires_grad_(False).eval()")
    return [INDENT * 2 + line for line in lines]


def train_method(network: Network, class_name: str) -> list[str]:
    """Return the method that keeps a frozen backbone in evaluation mode."""
    if not is_frozen(network):
        return []
    body = f'''
    def train(self, mode: bool = True) -> "{class_name}":
        """Set the mode; the frozen backbone stays in evaluation mode."""
        super().train(mode)
        self.backbone.eval()
        return self'''
    return body.split("\n")


def features_function(network: Network, root: Plan) -> str | None:
    """Return the function that computes the tapped features, None where none is asked for."""
    for member in root.members:
        if isinstance(member, Foreign) and member.features:
            return "\n".join(_features(member))
    return None


def _features(foreign: Foreign) -> list[str]:
    returned = [str(node.arguments["variable"]) for node in foreign.features]
    paths = ", ".join(str(node.arguments["path"]) for node in foreign.features)
    result = "Tensor" if len(returned) == 1 else "tuple[Tensor, ...]"
    lines = [
        f"def features(model: nn.Module, x: Tensor) -> {result}:",
        f'{INDENT}"""Return what these modules give, computed as in the model\'s own forward.',
        "",
    ]
    lines += lay_out_words(paths + ".", INDENT)
    lines.append(f'{INDENT}"""')
    statements = foreign.node.arguments["forward"]
    assert isinstance(statements, tuple)
    for statement in map(str, statements):
        target, _, text = statement.partition(" = ")
        split = split_call(text)
        head = f"{target} = "
        item = head + split if isinstance(split, str) else _prefixed(head, split)
        lines += lay_out(item, INDENT)
    return [*lines, *lay_out(_returns(returned), INDENT)]


def _prefixed(head: str, call: Bracketed) -> Bracketed:
    return Bracketed(head + call.head, call.items, call.tail)


def _returns(names: list[str]) -> str | Bracketed:
    flat = "return " + ", ".join(names)
    return flat if len(flat) + len(INDENT) <= WIDTH else Bracketed("return (", tuple(names), ")")


def lay_out_words(text: str, indent: str) -> list[str]:
    """Return a sentence in lines that fit."""
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def sentence(network: Network) -> str:
    """Return what the file's docstring says of the backbone; empty without one from elsewhere."""
    model = foreign_model(network)
    if model is None:
        return ""
    a = model.arguments
    frozen = ", frozen" if a["frozen"] else ""
    return (
        f"The backbone is {a['library']}'s {a['model']} as published{frozen}: this file needs\n"
        f"{a['library']} (it was written with {a['version']}).\n\n"
    )
