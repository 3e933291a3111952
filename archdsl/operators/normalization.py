"""Normalisation layers, and the learned scale of a branch."""

from __future__ import annotations

from math import inf, prod

from archdsl.operators.operator import (
    Arguments,
    Elementwise,
    Expression,
    Misfit,
    ModuleCall,
    Shape,
    feature_map,
    integer,
    render,
)
from archdsl.operators.signature import Boolean, Integer, Number, Parameter, Value
from archdsl.operators.windows import check_groups

LAYER_NORM_2D = '''\
class LayerNorm2d(nn.LayerNorm):
    """Layer normalisation over the channels of each pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
'''

LAYER_SCALE = '''\
class LayerScale(nn.Module):
    """A learned factor for each channel; ``shape`` is that of the factors."""

    def __init__(self, *shape: int, init: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full(shape, init))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight
'''

_EPS = Parameter("eps", Number(0, above=True), "added to the variance", 1e-5, named=True)
_AFFINE = Parameter("affine", Boolean(), "whether to learn scale and shift", True, named=True)


class BatchNorm(Elementwise):
    """Batch normalisation over each channel or vector element, with running statistics."""

    name = "batchnorm"
    picture = "BN"
    parameters = (
        _EPS,
        Parameter("momentum", Number(0, 1), "share of a new batch in the running ones", 0.1, True),
        _AFFINE,
    )
    example = "conv(128, 3, bias = false) -> batchnorm(eps = 0.001) -> relu"
    cost = "2 c parameters, none where affine is false; no MACs"

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0] if a["affine"] else 0

    def buffer_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0] + 1  # running mean and variance, num_batches_tracked

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        kind = "nn.BatchNorm2d" if len(inputs[0]) == 3 else "nn.BatchNorm1d"
        arguments = (
            ("num_features", inputs[0][0]),
            ("eps", a["eps"]),
            ("momentum", a["momentum"]),
            ("affine", a["affine"]),
        )
        return ModuleCall(kind, arguments, 1, {"eps": 1e-5, "momentum": 0.1, "affine": True})


class LayerNorm(Elementwise):
    """Layer normalisation of a vector, or over the channels of each pixel of a map."""

    name = "layernorm"
    picture = "LN"
    parameters = (_EPS,)
    example = "dwconv(7) -> layernorm(eps = 1e-6) -> conv(256, 1)"
    cost = "2 c parameters; no MACs"

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        arguments = (("normalized_shape", inputs[0][0]), ("eps", a["eps"]))
        if len(inputs[0]) == 1:
            return ModuleCall("nn.LayerNorm", arguments, 1, {"eps": 1e-5})
        return ModuleCall("LayerNorm2d", arguments, 1, {"eps": 1e-5}, source=LAYER_NORM_2D)


class GroupNorm(Elementwise):
    """Normalisation over groups of channels with all their pixels, image by image."""

    name = "groupnorm"
    picture = "GN {groups}"
    parameters = (
        Parameter("groups", Integer(1), "groups of channels that are normalised together"),
        _EPS,
        _AFFINE,
    )
    rule = "the shape stays as it is; groups divides its channels"
    example = "conv(128, 3) -> groupnorm(32) -> relu"
    cost = "2 c parameters, none where affine is false; no MACs"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        shape, groups = inputs[0], integer(a["groups"])
        check_groups(self.name, groups, {"input": shape[0]})
        if prod(shape) == groups:
            raise _lone_value(
                self.name, f"each of {groups} groups", shape, "use fewer groups", "groups"
            )
        return shape

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0] if a["affine"] else 0

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        arguments: tuple[tuple[str, Value], ...] = (
            ("num_groups", a["groups"]),
            ("num_channels", inputs[0][0]),
            ("eps", a["eps"]),
            ("affine", a["affine"]),
        )
        return ModuleCall("nn.GroupNorm", arguments, 2, {"eps": 1e-5, "affine": True})


class InstanceNorm(Elementwise):
    """Normalisation of each channel of each image by itself."""

    name = "instancenorm"
    picture = "IN"
    parameters = (
        _EPS,
        Parameter("affine", Boolean(), "whether to learn scale and shift", False, named=True),
    )
    rule = "[c, h, w] of more than one pixel stays as it is"
    example = "conv(128, 3) -> instancenorm(affine = true) -> relu"
    cost = "2 c parameters where affine is true; no MACs"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        shape = feature_map(self.name, inputs)
        if shape[1:] == (1, 1):
            raise _lone_value(self.name, "each channel", shape, "use layernorm or batchnorm")
        return shape

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return 2 * inputs[0][0] if a["affine"] else 0

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        arguments = (
            ("num_features", inputs[0][0]),
            ("eps", a["eps"]),
            ("affine", a["affine"]),
        )
        return ModuleCall("nn.InstanceNorm2d", arguments, 1, {"eps": 1e-5, "affine": False})


class LocalResponseNorm(Elementwise):
    """Local response normalisation over neighbouring channels (AlexNet, GoogLeNet)."""

    name = "lrn"
    picture = "LRN"
    parameters = (
        Parameter("size", Integer(1), "neighbouring channels, the channel itself included"),
        Parameter("alpha", Number(0), "factor of the mean square", 1e-4),
        Parameter("beta", Number(0), "exponent", 0.75),
        Parameter("k", Number(0, above=True), "added to the mean square", 1.0),
    )
    rule = "[c, h, w] stays as it is"
    example = "conv(128, 5) -> relu -> lrn(5)"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return feature_map(self.name, inputs)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        template, values = "F.local_response_norm({0}, {size}", {"size": a["size"]}
        for parameter in self.parameters[1:]:
            if a[parameter.name] != parameter.default:
                template += f", {parameter.name}={{{parameter.name}}}"
                values[parameter.name] = a[parameter.name]
        return Expression(template + ")", values)


class LayerScale(Elementwise):
    """A learned factor for each channel, init at the start; its weight has shape [c, 1, 1]."""

    name = "layerscale"
    picture = "scale"
    parameters = (Parameter("init", Number(-inf), "factor at the start"),)
    example = "{ in | dwconv(7) -> layerscale(1e-6) } -> add"
    cost = "c parameters; no MACs"

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        return inputs[0][0]

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        shape = (inputs[0][0], 1, 1)[: len(inputs[0])]
        arguments = [(("channels", "height", "width")[i], n) for i, n in enumerate(shape)]
        return ModuleCall(
            "LayerScale", (*arguments, ("init", a["init"])), len(shape), source=LAYER_SCALE
        )


def _lone_value(
    name: str, what: str, shape: Shape, help: str, argument: str | None = None
) -> Misfit:
    return Misfit(
        "ARCH212",
        f"{name}: {what} of {render(shape)} is a single value, and becomes 0 whatever it was",
        help=help,
        argument=argument,
    )


OPERATORS = (
    BatchNorm(),
    LayerNorm(),
    GroupNorm(),
    InstanceNorm(),
    LocalResponseNorm(),
    LayerScale(),
)
