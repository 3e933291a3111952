"""Emitted modules beside the interpreter: building, filling with numbers, comparing bit for bit."""

from __future__ import annotations

import torch
from interpreter import Interpretation, State, interpret
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archdsl import Compiled
from archdsl.ir import Network, Node

PARAMETERS = {
    "batchnorm": ("running_mean", "running_var", "num_batches_tracked"),
    "layernorm": ("weight", "bias"),
    "prelu": ("weight",),
    "layerscale": ("weight",),
    "lstm": ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
}


def expected_keys(network: Network) -> set[str]:
    """Return the keys that a state dict of the network has: a node's id, then torch's own name."""
    keys = set()
    for node in network.nodes:
        names = set(PARAMETERS.get(node.op, ()))
        if "affine" in node.arguments:
            names |= {"weight", "bias"} if node.arguments["affine"] else set()
        if "bias" in node.arguments:
            names |= {"weight", "bias"} if node.arguments["bias"] else {"weight"}
        keys.update(f"{node.id}.{name}" for name in names)
    return keys


def live(network: Network) -> list[Node]:
    """Return the nodes that the output depends on."""
    wanted = {network.output}
    for node in reversed(network.nodes):
        if node.id in wanted:
            wanted.update(node.inputs)
    return [node for node in network.nodes if node.id in wanted]


def stir(module: nn.Module, seed: int = 0) -> None:
    """Give every parameter and statistic a value of its own, so that none can stand for another."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
            elif tensor.dim() == 1:
                tensor.add_(torch.randn(tensor.shape, generator=generator), alpha=0.2)


def copied(module: nn.Module) -> State:
    """Return the state of a module as it is now."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors are equal in shape, type and every bit."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return a.detach().numpy().tobytes() == b.detach().numpy().tobytes()


def images(network: Network, batch: int, seed: int = 1) -> torch.Tensor:
    """Return a batch of noise of the input's shape."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, *network.input, generator=generator)


def outputs_of_leaves(module: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Run a module; return what each submodule without submodules gave, and the output as ''.

    All are laid out in memory as the interpreter's are: convolutions add in another order where
    channels come last, as layer normalisation of maps leaves them.
    """
    found: dict[str, torch.Tensor] = {}

    def note(name: str, output: torch.Tensor) -> torch.Tensor:
        found[name] = output.clone(memory_format=torch.contiguous_format)
        return found[name]

    hooks = [
        part.register_forward_hook(lambda _, __, output, name=name: note(name, output))
        for name, part in module.named_modules()
        if name and not list(part.children())
    ]
    found[""] = module(x)
    for hook in hooks:
        hook.remove()
    return found


@torch.no_grad()
def assert_equivalent(compiled: Compiled, batch: int, *, finite: bool = False) -> None:
    """Assert that the emitted module and the interpreter agree: training first, then evaluation.

    ``finite``: the output must be, too; generated networks may overflow.
    """
    network = compiled.network
    module = compiled.build()
    assert set(module.state_dict()) == expected_keys(network)
    stir(module)
    x = images(network, batch)
    given = x.clone()
    for training in (True, False):
        module.train(training)
        state = copied(module)
        torch.manual_seed(7)
        found = outputs_of_leaves(module, x)
        torch.manual_seed(7)
        wanted = interpret(network, state, x, training)
        assert same_bits(x, given), "the input is changed"
        for node_id, value in wanted.values.items():
            if node_id in found:
                assert same_bits(found[node_id], value), f"{node_id}, training={training}"
        assert same_bits(found[""], wanted.output), f"output, training={training}"
        assert wanted.output.isfinite().all() or not finite
        assert_same_state(module, wanted)
        assert_shapes(network, wanted, batch)


def assert_same_state(module: nn.Module, wanted: Interpretation) -> None:
    """Assert that running statistics were updated alike, and nothing else changed."""
    for name, tensor in module.state_dict().items():
        assert same_bits(tensor, wanted.state[name]), f"{name} afterwards"


def assert_shapes(network: Network, found: Interpretation, batch: int) -> None:
    """Assert that every inferred shape is that of the tensor."""
    for node in live(network):
        assert found.values[node.id].shape == (batch, *node.shape), node.id


def assert_counts(compiled: Compiled) -> None:
    """Assert that parameters, buffers and MACs are what torch counts."""
    network = compiled.network
    with torch.device("meta"):
        module = compiled.build()
        x = torch.empty(2, *network.input)
    assert compiled.params == sum(p.numel() for p in module.parameters())
    assert network.buffers == sum(b.numel() for b in module.buffers())
    module.eval()
    with FlopCounterMode(display=False) as counter:
        module(x)
    assert compiled.macs == counter.get_total_flops() // (2 * len(x))


@torch.no_grad()
def assert_modes_differ(compiled: Compiled) -> None:
    """Assert that training and evaluation are not the same computation."""
    module = compiled.build()
    x = images(compiled.network, 4)
    trained = interpret(compiled.network, copied(module), x, training=True)
    evaluated = interpret(compiled.network, copied(module), x, training=False)
    assert not torch.equal(trained.output, evaluated.output)
    assert any(not torch.equal(trained.state[k], v) for k, v in evaluated.state.items())


def built(compiled: Compiled, *, training: bool = False) -> nn.Module:
    """Return a module whose statistics differ from those of a fresh one."""
    torch.manual_seed(0)
    module = compiled.build()
    stir(module)
    return module.train(training)


def values(module: nn.Module) -> list[torch.Tensor]:
    return list(copied(module).values())
