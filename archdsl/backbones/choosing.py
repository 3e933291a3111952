"""``taps auto``: the last feature map of each resolution that the paper's rules admit as a tap."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn  # noqa: TID251 - a module of archdsl.backbones, imported when asked for

from archdsl.backbones import tracing
from archdsl.backbones.facts import Fault, Refused
from archdsl.backbones.measuring import Survey


def automatic(model: nn.Module, survey: Survey) -> tuple[str, ...]:
    """Return the modules to tap, in order.

    Candidates are those that timm names as a model's features; of other models, the modules that
    its code calls one after the other. Of each resolution the last candidate is taken that stands
    before the next down-sampling (RA003), with at least two convolutions since the one before
    (RA001).
    """
    chosen = _choose(_published(model, survey), survey)
    if not chosen or survey.following(chosen[-1]) >= 2:  # what is named stops too early (RA004)
        chosen = _choose(_called(model, survey), survey)
    if not chosen:
        raise Refused(Fault.NO_TAPS)
    return tuple(chosen)


def _choose(candidates: Iterable[str], survey: Survey) -> list[str]:
    """Return the last candidate of each resolution, where there is enough before it."""
    last: dict[tuple[int, int], str] = {}
    for path in candidates:
        stride = survey.stride(path)
        if stride is not None and not survey.at(path).late:
            last[stride] = path
    chosen: list[str] = []
    for path in last.values():
        before = survey.at(chosen[-1]).convolutions if chosen else 0
        if survey.at(path).convolutions - before >= 2:
            chosen.append(path)
    return chosen


def _published(model: nn.Module, survey: Survey) -> list[str]:
    """Return the features that timm names; empty where it names none."""
    info = getattr(model, "feature_info", None)
    entries = info if isinstance(info, list) else []
    paths = [entry.get("module") for entry in entries if isinstance(entry, dict)]
    return [path for path in paths if path and path in survey.here]


def _called(model: nn.Module, survey: Survey) -> Iterable[str]:
    """Return the modules that the model calls; a container of several resolutions is opened."""
    opened: set[str] = set()
    for path, module in model.named_modules():
        holder = path.rpartition(".")[0]
        if type(module) is nn.Sequential and path in survey.here and (holder in opened | {""}):
            given, made = survey.here[path].given, survey.here[path].shape
            if len(given) == len(made) == 3 and given[1] > 2 * made[1]:
                opened.add(path)
    return [path for path in tracing.calls(tracing.follow(model, opened)) if path in survey.here]
