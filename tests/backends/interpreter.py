"""An independent interpreter of networks, to compare emitted modules with.

It knows the operators from the language's description and torch's documentation alone: nothing of
the registry's own PyTorch expressions, and nothing of any emitted text, is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812

from archdsl.ir import INPUT, Network, Node

State: TypeAlias = dict[str, torch.Tensor]

EPSILON = 1e-5  # of layer normalisation, torch's default


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


def conv(a: Context, x: torch.Tensor) -> torch.Tensor:
    padding = a["padding"]
    if padding == "same":
        padding = tuple(d * (k // 2) for d, k in zip(a["dilation"], a["k"], strict=True))
    bias = a.optional("bias", a["bias"])
    return F.conv2d(x, a.own("weight"), bias, a["stride"], padding, a["dilation"], a["groups"])


def dwconv(a: Context, x: torch.Tensor) -> torch.Tensor:
    padding = a["padding"]
    if padding == "same":
        padding = [(d * (k - 1)) // 2 for d, k in zip(a["dilation"], a["k"], strict=True)]
    weight, bias = a.own("weight"), a.optional("bias", a["bias"])
    return F.conv2d(x, weight, bias, a["stride"], padding, a["dilation"], groups=len(weight))


def batchnorm(a: Context, x: torch.Tensor) -> torch.Tensor:
    if a.training:
        a.own("num_batches_tracked").add_(1)
    return F.batch_norm(
        x,
        a.own("running_mean"),
        a.own("running_var"),
        a.optional("weight", a["affine"]),
        a.optional("bias", a["affine"]),
        a.training,
        a["momentum"],
        a["eps"],
    )


def layernorm(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, x.shape[1:], a.own("weight"), a.own("bias"), EPSILON)


def relu(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.relu(x)


def relu6(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.clamp(0, 6)


def silu(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.ops.aten.silu(x)


def hardswish(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.ops.aten.hardswish(x)


def sigmoid(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.sigmoid()


def hardsigmoid(a: Context, x: torch.Tensor) -> torch.Tensor:
    return torch.ops.aten.hardsigmoid(x)


def tanh(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.tanh()


def softmax(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.softmax(x, dim=1)


def dropout(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.dropout(x, a["p"], a.training)


def identity(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x


def maxpool(a: Context, x: torch.Tensor) -> torch.Tensor:
    stride = a["k"] if a["stride"] is None else a["stride"]
    return F.max_pool2d(x, a["k"], stride, a["padding"], ceil_mode=a["ceil_mode"])


def avgpool(a: Context, x: torch.Tensor) -> torch.Tensor:
    stride = a["k"] if a["stride"] is None else a["stride"]
    border = a["padding"]
    return F.avg_pool2d(x, a["k"], stride, border, a["ceil_mode"], a["count_include_pad"])


def gap(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.mean((2, 3))


def adaptive_avgpool(a: Context, x: torch.Tensor) -> torch.Tensor:
    """Window i of n covers floor(i h / n) up to ceil((i + 1) h / n)."""
    if a["size"] == (1, 1):
        return x.mean((2, 3))[:, :, None, None]
    return torch.nn.AdaptiveAvgPool2d(a["size"])(x)


def subsample(a: Context, x: torch.Tensor) -> torch.Tensor:
    vertical, horizontal = a["stride"]
    return x[:, :, ::vertical, ::horizontal]


def pad_channels(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.pad(x, (0, 0, 0, 0, 0, a["c"] - x.shape[1]))


def slice_(a: Context, x: torch.Tensor) -> torch.Tensor:
    stop = x.shape[1] if a["stop"] is None else a["stop"]
    return x.narrow(1, a["start"], stop - a["start"])


def split(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(1, (a["parts"], -1))[:, a["index"]]


def channel_shuffle(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.unflatten(1, (a["groups"], -1)).transpose(1, 2).flatten(1, 2)


def flatten(a: Context, x: torch.Tensor) -> torch.Tensor:
    return x.flatten(1)


def linear(a: Context, x: torch.Tensor) -> torch.Tensor:
    return F.linear(x, a.own("weight"), a.optional("bias", a["bias"]))


def add(a: Context, first: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
    for other in others:
        first = first + other
    return first


def mul(a: Context, first: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
    """Factors of two axes belong to channels as a whole."""
    is_map = max(factor.dim() for factor in (first, *others)) == 4
    product, *factors = (
        factor.unflatten(1, (-1, 1, 1)) if is_map and factor.dim() == 2 else factor
        for factor in (first, *others)
    )
    for factor in factors:
        product = product * factor
    return product


def concat(a: Context, *inputs: torch.Tensor) -> torch.Tensor:
    return torch.cat(inputs, dim=1)


def lstm(a: Context, *vectors: torch.Tensor) -> torch.Tensor:
    """One layer, zero initial states; gates in torch's order: input, forget, cell, output."""
    size = a["hidden"]
    steps = torch.stack(vectors, dim=1)
    from_input = F.linear(steps, a.own("weight_ih_l0"), a.own("bias_ih_l0"))
    hidden = cell = vectors[0].new_zeros(len(vectors[0]), size)
    states = []
    for t in range(len(vectors)):
        gates = from_input[:, t] + F.linear(hidden, a.own("weight_hh_l0"), a.own("bias_hh_l0"))
        opened = torch.sigmoid(gates[:, :size])
        kept = torch.sigmoid(gates[:, size : 2 * size])
        written = torch.tanh(gates[:, 2 * size : 3 * size])
        shown = torch.sigmoid(gates[:, 3 * size :])
        cell = kept * cell + opened * written
        hidden = shown * torch.tanh(cell)
        states.append(hidden)
    return torch.stack(states, dim=1)


def readout_last(a: Context, states: torch.Tensor) -> torch.Tensor:
    return states[:, -1]


def readout_last_and_feature(
    a: Context, states: torch.Tensor, feature: torch.Tensor
) -> torch.Tensor:
    return torch.cat((states[:, -1], feature), dim=1)


def readout_all(a: Context, states: torch.Tensor) -> torch.Tensor:
    return states.flatten(1)


RULES: dict[str, Callable[..., torch.Tensor]] = {
    rule.__name__.rstrip("_"): rule
    for rule in (
        conv,
        dwconv,
        batchnorm,
        layernorm,
        relu,
        relu6,
        silu,
        hardswish,
        sigmoid,
        hardsigmoid,
        tanh,
        softmax,
        dropout,
        identity,
        maxpool,
        avgpool,
        gap,
        adaptive_avgpool,
        subsample,
        pad_channels,
        slice_,
        split,
        channel_shuffle,
        flatten,
        linear,
        add,
        mul,
        concat,
        lstm,
        readout_last,
        readout_last_and_feature,
        readout_all,
    )
}
"""The rule of every operator, by its name."""
