"""An independent interpreter of networks, to compare emitted modules with.

It knows the operators from the language's description and torch's documentation alone: nothing of
the registry's own PyTorch expressions, and nothing of any emitted text, is used here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import torch
from interpreter_rules import RULES

from archdsl.ir import INPUT, Network, Node

State: TypeAlias = dict[str, torch.Tensor]


class Interpretation(NamedTuple):
    """The output, the value of every node that the output depends on, and the state afterwards."""

    output: torch.Tensor
    values: dict[str, torch.Tensor]
    state: State


class Context(NamedTuple):
    """What a node can ask for besides its inputs."""

    node: Node
    state: State
    training: bool

    def __getitem__(self, name: str) -> Any:
        """Return an argument of the node."""
        return self.node.arguments[name]

    def own(self, name: str) -> torch.Tensor:
        """Return a parameter or buffer of the node."""
        return self.state[f"{self.node.id}.{name}"]

    def optional(self, name: str, present: object) -> torch.Tensor | None:
        return self.own(name) if present else None


def interpret(
    network: Network, state: Mapping[str, torch.Tensor], x: torch.Tensor, training: bool
) -> Interpretation:
    """Run a network on a batch; ``state`` is not changed, what it becomes is returned.

    Nodes run in the network's own order; those that the output does not depend on do not run.
    """
    new = {name: tensor.clone() for name, tensor in state.items()}
    wanted = {network.output}
    for node in reversed(network.nodes):
        if node.id in wanted:
            wanted.update(node.inputs)
    values: dict[str, torch.Tensor] = {}
    for node in network.nodes:
        if node.id in wanted:
            inputs = [values[i] for i in node.inputs]
            if node.op == INPUT:
                values[node.id] = x
            else:
                values[node.id] = RULES[node.op](Context(node, new, training), *inputs)
    return Interpretation(values[network.output], values, new)
