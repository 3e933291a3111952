"""The wording of RAxxx and of the faults of mapping nodes."""

from __future__ import annotations

from archdsl.diagnostics import Diagnostic, Label, Severity
from archdsl.elaborate.model_messages import unused_allowance as unused_allowance
from archdsl.elaborate.shape_messages import block_resolution as block_resolution
from archdsl.ir import Node
from archdsl.operators.operator import Shape, Step, render
from archdsl.source import Span


def few_convolutions(place: Span, block: str, count: int) -> Diagnostic:
    """Return RA001."""
    what = "no convolution" if count == 0 else "1 convolution"
    return Diagnostic(
        "RA001",
        f"tapped block {block} holds {what}; it needs at least 2",
        Label(place),
        notes=("counted on the longest path from its input to its output",),
        help=f"put another convolution into {block}, or do not tap it",
    )


def many_blocks(place: Span, block: str, number: int, stage: str) -> Diagnostic:
    """Return RA002."""
    ordinal = {3: "third", 4: "fourth", 5: "fifth"}.get(number, f"{number}th")
    return Diagnostic(
        "RA002",
        f"block {block} is the {ordinal} of stage {stage}; a stage holds at most 2",
        Label(place),
        help='merge it into the second block, or say why not: allow RA002 "..."',
    )


def late_tap(place: Span, path: str, shape: Shape, block: Shape) -> Diagnostic:
    """Return RA003, the error."""
    return Diagnostic(
        "RA003",
        f"tap {path} reads {render(shape)}, but the block before it ends at {render(block)}",
        Label(place),
        help="tap the output of the block, before the stage's down-sampling",
    )


def layers_after_tap(place: Span, path: str, tap: Span) -> Diagnostic:
    """Return RA003, the warning."""
    return Diagnostic(
        "RA003",
        f"this layer follows tap {path} at the resolution of its stage, so the tap misses it",
        Label(place),
        (Label(tap, "the stage's last tap"),),
        help="tap behind the stage's last layer at that resolution",
        severity=Severity.WARNING,
    )


def last_block_untapped(place: Span, path: str, block: Span) -> Diagnostic:
    """Return RA004."""
    name = path.removeprefix("backbone.")
    return Diagnostic(
        "RA004",
        f"the last block, {name}, is not aggregated; its tensor is the standard S",
        Label(place),
        (Label(block, "the last block"),),
        help=f"tap it: block {name.rpartition('.')[2]} {{ ... }} -> tap; or add it to `over`",
    )


def coarse_tap(
    place: Span, path: str, stride: tuple[Step, Step], standard: tuple[Step, Step], last: str
) -> Diagnostic:
    """Return RA005."""
    return Diagnostic(
        "RA005",
        f"tap {path} is coarser than S: stride {stride[0]} against {standard[0]} of {last}",
        Label(place),
        help="a tap may not be coarser than the last one; up-sampling is no part of the paper",
    )


def no_mapping(
    place: Span, tap: Span, path: str, ratio: int, channels: int, kernel: int, strides: list[int]
) -> Diagnostic:
    """Return RA006: h w c = C has no integer solution at this stride."""
    if ratio % kernel:
        why = f"stride {kernel} does not divide the ratio {ratio}"
    else:
        side = ratio // kernel
        why = f"{side} × {side} × c = {channels} has no integer solution"
    valid = ", ".join(map(str, strides))
    return Diagnostic(
        "RA006",
        f"no mapping node for tap {path} at stride {kernel}: {why}",
        Label(place),
        (Label(tap, "the tap"),) if tap != place else (),
        notes=(f"the tap has {ratio} times the resolution of S, and C = {channels}",),
        help=f"valid strides: {valid}; write map shallow {{ kernel = {strides[0]} }}",
    )


def no_ratio(place: Span, path: str, tensor: Node, standard: Node) -> Diagnostic:
    """Return RA006: the strides of tap and S stand in no whole ratio."""
    return Diagnostic(
        "RA006",
        f"no mapping node for tap {path}: S has stride {_stride(standard)}, "
        f"the tap {_stride(tensor)}, and their ratio is no whole number",
        Label(place),
        help=f"write the node by hand: map {path} {{ conv(...) -> gap -> linear(...) }}",
    )


def sizes_do_not_divide(
    place: Span, path: str, tensor: Node, standard: Node, kernel: int
) -> Diagnostic:
    """Return RA006: the sizes at hand were rounded, so average pooling misses some pixels."""
    channels = standard.shape[0]
    return Diagnostic(
        "RA006",
        f"no mapping node for tap {path}: {tensor.shape[1]}×{tensor.shape[2]} is no multiple "
        f"of {standard.shape[1]}×{standard.shape[2]}, the size of S",
        Label(place),
        notes=("an odd input size was rounded on the way; strides alone would fit",),
        help=f"use an input size that all strides divide, or write the node by hand: "
        f"map {path} {{ conv({channels}, 3, stride = {kernel}) -> batchnorm -> relu -> gap }}",
    )


def kernel_too_large(place: Span, path: str, kernel: int, tensor: Node) -> Diagnostic:
    """Return RA006: a kernel that does not fit into the tap."""
    return Diagnostic(
        "RA006",
        f"no mapping node for tap {path}: its kernel of {kernel} is larger than "
        f"{render(tensor.shape)}",
        Label(place),
        help="write a smaller one: map middle { kernel = 3 }",
    )


def wrong_length(place: Span, path: str, shape: Shape, standard: Shape) -> Diagnostic:
    """Return ARCH304: a mapping by hand with the wrong length."""
    length = standard[0]
    return Diagnostic(
        "ARCH304",
        f"the mapping of {path} gives {render(shape)}; it must give [{length}], the channels of S",
        Label(place),
        help=f"end it with linear({length})"
        if len(shape) == 1
        else f"end it with gap -> linear({length})",
    )


def size_hidden_by_gap(place: Span, path: str, shape: Shape, standard: Shape) -> Diagnostic:
    """Return (a warning): a middle node whose size differs from that of S."""
    return Diagnostic(
        "ARCH308",
        f"the mapping of {path} gives {render(shape)}, but S is {render(standard)}; "
        "global average pooling hides the difference",
        Label(place),
        help="choose another kernel: map middle { kernel = 2 }, or another input size",
        severity=Severity.WARNING,
    )


def linear_mapping(place: Span, path: str) -> Diagnostic:
    """Return (a warning): a mapping node without a nonlinearity."""
    return Diagnostic(
        "ARCH309",
        f"the mapping of {path} has no activation: its convolution and the pooling are one "
        "linear map, which the aggregator's own weights could hold",
        Label(place),
        help="leave act at relu, unless this is what you want to compare with",
        severity=Severity.WARNING,
    )


def unused_operator(place: Span, path: str, with_parameters: bool) -> Diagnostic:
    """Return: an operator behind the last tap whose value nothing reads."""
    if with_parameters:
        return Diagnostic(
            "ARCH310",
            f"nothing reads {path}: its parameters are kept, but never trained",
            Label(place),
            help="tap behind it, or remove it",
            severity=Severity.WARNING,
        )
    return Diagnostic(
        "ARCH310",
        f"nothing reads {path}: it is left out",
        Label(place),
        severity=Severity.NOTE,
    )


def _stride(node: Node) -> str:
    if node.stride is None:
        return "none (a vector)"
    vertical, horizontal = node.stride
    return str(vertical) if vertical == horizontal else f"{vertical}×{horizontal}"


# --- the taps of a backbone from elsewhere


def few_before_tap(place: Span, tap: str, count: int) -> Diagnostic:
    """Return RA001: too little between two taps."""
    what = "no convolution" if count == 0 else "1 convolution"
    return Diagnostic(
        "RA001",
        f"between tap {tap} and what is tapped before it there is {what}; at least 2 are needed",
        Label(place),
        help=f"do not tap {tap}, or not the one before it",
    )


def many_of_stride(place: Span, tap: str, number: int, stride: tuple[int, int]) -> Diagnostic:
    """Return RA002: more than two taps of one resolution."""
    return Diagnostic(
        "RA002",
        f"{tap} is tap {number} of stride {_of(stride)}; at most 2 have one resolution",
        Label(place),
        help=f"do not tap {tap}",
    )


def tap_behind_pooling(place: Span, tap: str) -> Diagnostic:
    """Return RA003: a tap behind the down-sampling."""
    return Diagnostic(
        "RA003",
        f"{tap} stands behind the down-sampling: no convolution has its resolution yet",
        Label(place),
        help="tap the module before the down-sampling, or one with convolutions behind it",
    )


def features_follow(place: Span, tap: str, count: int) -> Diagnostic:
    """Return RA004: the last features of the model are not aggregated."""
    return Diagnostic(
        "RA004",
        f"{count} convolutions follow the last aggregated tap, {tap}",
        Label(place),
        help="tap the model's last feature map, too, or write taps auto",
    )


def _of(stride: tuple[int, int]) -> str:
    return str(stride[0]) if stride[0] == stride[1] else f"{stride[0]}×{stride[1]}"
