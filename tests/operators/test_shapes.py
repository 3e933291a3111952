"""Shape rules, costs and refusals under random arguments: those of torch itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from calls import CALLS, Call, Draw
from comparing import assert_counts
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from markdown_cases import load_files

from archdsl import SpecFault
from archdsl.compiler import Compiled, compile_spec
from archdsl.operators import OPERATORS

# Elementwise, or a sum of inputs of one shape: their examples show all that there is.
PLAIN = set(
    """relu relu6 leaky_relu gelu silu hardswish sigmoid hardsigmoid tanh softmax dropout dropout2d
    droppath identity layerscale add concat""".split()
)


def compiled(call: Call) -> Compiled | None:
    """Compile a spec of one step; None where it is refused."""
    # A vector is made of channels: the input of a network is always an image.
    *before, channels = ["gap -> "] * (len(call.shape) == 1), call.shape[0]
    size = ", 1, 1" if len(call.shape) == 1 else "".join(f", {n}" for n in call.shape[1:])
    step = call.text
    if step.startswith("mul("):
        step = f"{{ in | {step.removeprefix('mul(').removesuffix(')')} }} -> mul"
    text = (
        f"arch 1\nmodel M {{\ninput [{channels}{size}]\n"
        f"backbone {{ {''.join(*before)}{step} }}\n}}\n"
    )
    try:
        return compile_spec(load_files({"main.arch": text}), None, {})
    except SpecFault as fault:
        assert all(d.code.startswith(("ARCH2", "ARCH105")) for d in fault.diagnostics), text
        return None


def torch_shape(call: Call) -> tuple[int, ...] | None:
    """Return the shape that torch gives for a batch of two; None where it refuses."""
    try:
        shape = tuple(call.in_torch(torch.zeros(2, *call.shape)).shape[1:])
    except (RuntimeError, ValueError, IndexError):
        return None
    return shape if all(shape) else None  # torch lets a transposed convolution give nothing


def test_every_operator_with_arguments_is_called() -> None:
    called = {call.__name__.rstrip("_") for call in CALLS}
    assert called == set(OPERATORS) - PLAIN


@pytest.mark.parametrize("operator", CALLS, ids=lambda call: call.__name__.rstrip("_"))
def test_shapes_and_costs_are_those_of_torch(operator: Callable[[Draw], Call]) -> None:
    fitting = refused = 0

    @settings(
        max_examples=60,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    @seed(11)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        nonlocal fitting, refused
        call = operator(data.draw)
        made, wanted = compiled(call), torch_shape(call)
        if made is None or wanted is None:
            assert made is None and wanted is None, (call.text, call.shape, wanted)
            refused += 1
            return
        network = made.network
        assert network.by_id[network.output].shape == wanted, (call.text, call.shape)
        assert_counts(made)
        fitting += 1

    check()
    assert fitting >= 10
