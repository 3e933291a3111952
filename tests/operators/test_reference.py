"""The reference: the page in docs, and what ``archdsl operators`` prints, say what is declared."""

from __future__ import annotations

import re

import pytest
from calling import ROOT, archdsl

from archdsl.cli import reference
from archdsl.operators import OPERATORS
from archdsl.operators.operator import Operator

PAGE = ROOT / "docs" / "operators.md"

# Section "Operators" of the design, and what the zoo needs beyond it.
NAMES = """
    conv dwconv convtranspose batchnorm layernorm groupnorm instancenorm relu relu6 leaky_relu
    prelu gelu silu hardswish sigmoid hardsigmoid tanh softmax maxpool avgpool gap
    adaptive_avgpool flatten linear dropout dropout2d droppath identity pad upsample pixel_shuffle
    channel_shuffle layerscale lrn subsample pad_channels slice split add mul concat
"""


def test_every_operator_of_the_edition_is_there() -> None:
    assert set(OPERATORS) == set(NAMES.split())


def test_the_page_is_current(request: pytest.FixtureRequest) -> None:
    page = reference.page()
    if request.config.getoption("--update"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "run pytest tests/operators --update"


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_each_declaration_is_whole(operator: Operator) -> None:
    assert re.fullmatch(r"\S.*[^ ]\.", operator.summary)
    assert operator.picture and operator.rule and operator.cost
    assert re.search(rf"\b{operator.name}\b", operator.example)
    names = [parameter.name for parameter in operator.parameters]
    assert all(re.search(r"\w", parameter.doc) for parameter in operator.parameters)
    for field in re.findall(r"\{(\w+)\}", operator.picture):
        assert field in names


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_defaults_are_admitted(operator: Operator) -> None:
    for parameter in operator.parameters:
        if not parameter.required and parameter.default is not None:
            parameter.kind.check(parameter.default)  # type: ignore[arg-type]


def test_an_entry_says_all_that_is_declared() -> None:
    run = archdsl("operators", "conv")
    assert run.returncode == 0 and run.stderr == ""
    assert "conv(c, k = 3, stride = 1, padding = same, dilation = 1, groups = 1, " in run.stdout
    for parameter in OPERATORS["conv"].parameters:
        assert f"| `{parameter.name}` | {parameter.kind.wanted} |" in run.stdout
    assert "nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False)" in run.stdout
    assert "from [64, 32, 32] to [128, 16, 16]" in run.stdout
    assert "by name alone" in archdsl("operators", "batchnorm").stdout


def test_all_are_listed_with_a_line_each() -> None:
    run = archdsl("operators")
    assert run.returncode == 0
    for operator in OPERATORS.values():
        assert re.search(rf"^  {operator.name} +{re.escape(operator.summary)}$", run.stdout, re.M)


def test_an_unknown_name_is_a_fault_of_the_call() -> None:
    run = archdsl("operators", "batchnrm")
    assert run.returncode == 2 and run.stdout == ""
    assert "error[ARCH134]: there is no operator 'batchnrm'" in run.stderr
    assert "did you mean `batchnorm`?" in run.stderr
    assert "did you mean `relu`?" in archdsl("operators", "ReLU").stderr
    assert "lists them all" in archdsl("operators", "zzzzzz").stderr


def test_what_is_taken_by_name_alone_is_not_taken_in_order() -> None:
    """``batchnorm(64)`` is what a user of torch writes; it must never set eps."""
    from markdown_cases import check_text

    for call in ("batchnorm(64)", "layernorm(64)", "instancenorm(64)", "groupnorm(4, 64)"):
        text = f"arch 1\nmodel M {{\ninput [64, 8, 8]\nbackbone {{ {call} }}\n}}\n"
        (fault,) = check_text(text)
        assert fault.code == "ARCH112" and fault.help and "by name alone: eps" in fault.help
