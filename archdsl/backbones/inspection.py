"""From a request to the facts: the model is built, measured, and its taps are traced."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from archdsl.backbones.facts import Facts, Fault, Feature, Refused, Request
from archdsl.backbones.libraries import build, library
from archdsl.ir.naming import Names

if TYPE_CHECKING:
    from archdsl.backbones.measuring import Survey


@lru_cache(maxsize=64)
def inspect(request: Request) -> Facts:
    """Return what a model is like, or raise :class:`Refused`."""
    source = library(request.library)
    keywords = dict(request.keywords)
    model = build(source, request.model, keywords)
    # Imported only now: they need torch.
    from archdsl.backbones import choosing, measuring, tracing

    survey = measuring.Survey(model.eval(), request.input)
    taps = choosing.automatic(model, survey) if request.taps is None else request.taps
    features = measured(survey, taps)
    variables = {feature.path: feature.variable for feature in features}
    overwritten = {path for path in variables if survey.here[path].overwritten}
    callee, arguments = source.call(request.model, keywords)
    return Facts(
        version=source.version,
        callee=callee,
        arguments=arguments,
        shape=survey.here[""].shape,
        stride=survey.stride(""),
        params=sum(p.numel() for p in model.parameters()),
        buffers=sum(b.numel() for b in model.buffers()),
        macs=survey.here[""].macs,
        convolutions=survey.all_convolutions,
        features=features,
        forward=tracing.code(model, variables, overwritten) if taps else (),
        following=survey.following(features[-1].path) if features else 0,
    )


def measured(survey: Survey, taps: tuple[str, ...]) -> tuple[Feature, ...]:
    """Return the features in the order in which they are computed."""
    for path in taps:
        if path not in survey.here:
            raise Refused(Fault.TAP, path, choices=tuple(p for p in survey.here if p))
    names = Names()
    for taken in ("x", "y", "z", "model", "torch", "F"):
        names.allocate(taken)
    features: list[Feature] = []
    convolutions = macs = 0
    for path in (path for path in survey.here if path in taps):
        here, stride = survey.here[path], survey.stride(path)
        if stride is None:
            raise Refused(Fault.NO_MAP, path, str(list(here.shape)))
        done = survey.at(path).convolutions
        features.append(
            Feature(
                path=path,
                variable=names.allocate(path.replace(".", "_")),
                shape=here.shape,
                stride=stride,
                convolutions=done - convolutions,
                late=survey.at(path).late,
                macs=here.macs - macs,
            )
        )
        convolutions, macs = done, here.macs
    return tuple(features)
