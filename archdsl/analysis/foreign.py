"""The paper's rules for the taps of a backbone from elsewhere, which has no stages and blocks.

A block is what lies between a tap and the tap before it, a stage is what has one stride. RA005 and
RA006 rest on strides alone and hold as they are.
"""

from __future__ import annotations

from archdsl.analysis import messages
from archdsl.analysis.subject import Subject
from archdsl.diagnostics import Diagnostic
from archdsl.ir import Node, Tap
from archdsl.operators.operator import pair


def check_foreign_taps(subject: Subject) -> Subject:
    """RA001 to RA004 for the taps of a backbone from elsewhere."""
    taps = [(tap, subject.tensor(tap)) for tap in subject.network.taps]
    of_stride: dict[object, list[Tap]] = {}
    for tap, tensor in taps:
        if tensor.op != "feature":
            continue
        place = subject.span(f"tap:{tap.path}")
        convolutions = tensor.arguments["convolutions"]
        assert isinstance(convolutions, int)
        same = of_stride.setdefault(tensor.stride, [])
        same.append(tap)
        if convolutions < 2:
            report(subject, messages.few_before_tap(place, tap.path, convolutions))
        if len(same) > 2:
            report(
                subject,
                messages.many_of_stride(
                    place, tap.path, len(same), pair(tensor.arguments["stride"])
                ),
            )
        if tensor.arguments["late"]:
            report(subject, messages.tap_behind_pooling(place, tap.path))
    return check_last_feature(subject)


def check_last_feature(subject: Subject) -> Subject:
    """RA004: no block follows the last tap that is aggregated."""
    aggregation = subject.network.aggregation
    model = next((n for n in subject.network.nodes if n.op == "foreign"), None)
    if aggregation is None or model is None:
        return subject
    following = _following(subject, model)
    if following >= 2:
        place = subject.span(aggregation.node)
        last = subject.aggregated()[-1].path
        report(subject, messages.features_follow(place, last, following))
    return subject


def _following(subject: Subject, model: Node) -> int:
    """Return the convolutions behind the last aggregated tap."""
    following = model.arguments["following"]
    assert isinstance(following, int)
    chosen = subject.aggregated()[-1]
    for tap in reversed(subject.network.taps):
        if tap is chosen:
            break
        between = subject.tensor(tap).arguments["convolutions"]
        assert isinstance(between, int)
        following += between
    return following


def report(subject: Subject, diagnostic: Diagnostic) -> None:
    """Report a broken rule, unless the model allows it."""
    subject.report(diagnostic, "")
