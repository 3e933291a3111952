"""The wording of ARCH2xx, ARCH3xx and ARCH90x: shapes, aggregation, limits of expansion."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics import Diagnostic, Label, Severity, did_you_mean
from archdsl.diagnostics.fix import remove, remove_item, respell
from archdsl.elaborate.messages import show
from archdsl.operators.operator import Misfit, Shape
from archdsl.operators.signature import Value
from archdsl.source import Span, Use
from archdsl.syntax import nodes

OF_THE_INPUT = ("ARCH201", "ARCH204", "ARCH205", "ARCH208", "ARCH211")
"""Faults for which the input's shape counts, and where it comes from."""


def misfit(fault: Misfit, place: Span, labels: tuple[Label, ...], use: Use | None) -> Diagnostic:
    """Return: shapes that do not fit an operator."""
    return Diagnostic(fault.code, fault.message, Label(place), labels, help=fault.help, use=use)


def equalise(operands: Sequence[tuple[str, Shape, int]], join: str) -> str | None:
    """Return the smallest edit that makes inputs of a join fit: which, and what to write.

    Each operand is what the spec calls it, its shape, and its age. Of two names the older is taken
    for the shortcut, of two branches of a fork the narrower is widened, of two sizes the larger is
    made smaller.
    """
    first = operands[0]
    for other in operands[1:]:
        (_, a, age), (_, b, other_age) = first, other
        if len(a) != 3 or len(b) != 3 or a == b or (join == "concat" and a[1:] == b[1:]):
            continue
        if join == "mul" and (1, 1) in (a[1:], b[1:]) and a[1:] != b[1:]:
            gate, gated = (first, other) if a[1:] == (1, 1) else (other, first)
            return _becomes(gate[0], f"conv({gated[1][0]}, 1)")
        if a[1:] == b[1:]:
            named = first[0].isidentifier() and other[0].isidentifier()
            is_first = age < other_age if named else a[0] < b[0]
            change, keep = (first, other) if is_first else (other, first)
            return _becomes(change[0], f"conv({keep[1][0]}, 1)")
        change, keep = (first, other) if a[1] * a[2] > b[1] * b[2] else (other, first)
        (_, h, w), (_, small_h, small_w) = change[1], keep[1]
        ratio = -(-h // small_h)
        if (-(-h // ratio), -(-w // ratio)) != (small_h, small_w):
            return None
        channels = change[1][0] if join == "concat" else keep[1][0]
        return _becomes(change[0], f"conv({channels}, 1, stride = {ratio})")
    return None


def _becomes(name: str, step: str) -> str:
    if name.isidentifier():
        return f"{name} needs a projection: {name} -> {step}"
    shown = name if len(name) <= 40 else name[:39] + "…"
    return f"one branch needs a projection: {shown} -> {step}"


def fork_not_joined(place: Span, use: Use | None) -> Diagnostic:
    """Return: branches that flow into something that takes one tensor."""
    return Diagnostic(
        "ARCH210",
        "a fork ends here without a join",
        Label(place),
        help="join its branches: { A | B } -> concat (or add, mul)",
        use=use,
    )


def bad_count(place: Span, value: Value, use: Use | None) -> Diagnostic:
    """Return: ``B * -1``."""
    return Diagnostic(
        "ARCH105",
        f"the number of repetitions cannot be {show(value)}",
        Label(place),
        help="write an integer of at least 0",
        use=use,
    )


def too_many_operators(place: Span, most: int, use: Use | None) -> Diagnostic:
    """Return: the limit on operators."""
    return Diagnostic(
        "ARCH901",
        f"the network would have more than {most:,} operators",
        Label(place),
        help="repeat fewer times",
        use=use,
    )


def too_many_different(place: Span, most: int, use: Use | None) -> Diagnostic:
    """Return: the limit on uses of defs that are not alike."""
    return Diagnostic(
        "ARCH901",
        f"defs are used with more than {most:,} different arguments",
        Label(place),
        help="let more of the uses have the same arguments",
        use=use,
    )


def too_many_in_spec(place: Span, most: int) -> Diagnostic:
    """Return: the limit on operators of all models together."""
    return Diagnostic(
        "ARCH901",
        f"the models of this spec have more than {most:,} operators together",
        Label(place),
        help="put some of them into a file of their own",
    )


def uses_too_deep(place: Span, most: int, use: Use | None) -> Diagnostic:
    """Return: defs that use defs without end."""
    return Diagnostic(
        "ARCH902",
        f"defs use each other more than {most} levels deep",
        Label(place),
        help="a def that uses itself must stop at some parameter: if n > 0 { ... }",
        use=use,
    )


def block_resolution(place: Span, name: str, size: str, first: Span, first_size: str) -> Diagnostic:
    """Return: blocks of one stage that differ in resolution."""
    return Diagnostic(
        "ARCH207",
        f"block {name} ends at {size}, but its stage has resolution {first_size}",
        Label(place),
        (Label(first, f"the stage's first block ends at {first_size}"),),
        help="put it into a stage of its own, or move the down-sampling behind the last block",
    )


# --- aggregation


def tap_without_block(place: Span) -> Diagnostic:
    """Return: a tap with no block before it."""
    return Diagnostic(
        "ARCH301",
        "there is no block before this tap in its stage",
        Label(place),
        help="a tap marks the output of a block: block b1 { ... } -> tap",
    )


def second_tap(place: Span, path: str, first: Span) -> Diagnostic:
    """Return: two taps of one name."""
    return Diagnostic(
        "ARCH106",
        f"`{path}` is tapped twice",
        Label(place),
        (Label(first, "first tapped here"),),
        help="give this one a name: tap as name",
    )


def tap_chosen_twice(path: nodes.Path, first: Span, paths: Sequence[nodes.Path]) -> Diagnostic:
    """Return: ``over s1.b1, s1.b1``."""
    return Diagnostic(
        "ARCH106",
        f"the tap `{path.text}` is given twice",
        Label(path.span),
        (Label(first, "first given here"),),
        help="remove one of them",
        fix=remove_item(path.span, [other.span for other in paths]),
    )


def unknown_tap(path: nodes.Path, choices: Sequence[str]) -> Diagnostic:
    """Return: a path that names no tap."""
    return Diagnostic(
        "ARCH302",
        f"there is no tap `{path.text}`",
        Label(path.span),
        help=did_you_mean(path.text, choices) or "tap the block: block b1 { ... } -> tap",
        fix=respell(path.span, choices),
    )


def no_taps(place: Span) -> Diagnostic:
    """Return: an aggregator with nothing to aggregate."""
    return Diagnostic(
        "ARCH303",
        "the backbone has no tap to aggregate",
        Label(place),
        help="mark the blocks to aggregate: block b1 { ... } -> tap",
    )


def unknown_aggregator(name: nodes.Name, choices: Sequence[str]) -> Diagnostic:
    """Return: an aggregator that is not there."""
    return Diagnostic(
        "ARCH307",
        f"there is no aggregator `{name.text}`",
        Label(name.span),
        help=did_you_mean(name.text, choices),
        fix=respell(name.span, choices),
    )


def unknown_word(what: str, name: nodes.Name, choices: Sequence[str]) -> Diagnostic:
    """Return: a readout or normalisation that is not there."""
    return Diagnostic(
        "ARCH305",
        f"there is no {what} `{name.text}`",
        Label(name.span),
        help=did_you_mean(name.text, choices) or "choose one of: " + ", ".join(choices),
        fix=respell(name.span, choices),
    )


def unknown_setting(name: nodes.Name, target: str, choices: Sequence[str]) -> Diagnostic:
    """Return: an override of a mapping node that is not there."""
    if not choices:
        help = "a last-level node is global average pooling and has no settings"
    else:
        help = did_you_mean(name.text, choices) or "choose one of: " + ", ".join(choices)
    return Diagnostic(
        "ARCH103",
        f"a mapping node of `{target}` has no setting `{name.text}`",
        Label(name.span),
        help=help,
        fix=respell(name.span, choices),
    )


def mapped_twice(path: nodes.Path, first: Span) -> Diagnostic:
    """Return: two overrides for one target."""
    return Diagnostic(
        "ARCH106",
        f"the mapping of `{path.text}` is given twice",
        Label(path.span),
        (Label(first, "first given here"),),
        help="remove one of them",
    )


def unused_level(item: nodes.Map) -> Diagnostic:
    """Return (a warning): a level for which there is no tap."""
    return Diagnostic(
        "ARCH306",
        "no tap has this level; the mapping is never used",
        Label(item.target.span),
        help="remove it",
        fix=remove(item.span, f"map {item.target.text}"),
        severity=Severity.WARNING,
    )
