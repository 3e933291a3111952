"""One planted fault in a spec that is right gives one error, wherever it stands."""

# ruff: noqa: E501 - a table, one fault a line

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from markdown_cases import check

from archdsl.diagnostics import Severity
from archdsl.operators import OPERATORS

SPECS = Path(__file__).parents[2] / "specs"
STD = """\
def ConvBNReLU(c, k = 3, stride = 1) {
  conv(c, k, stride = stride, bias = false) -> batchnorm -> relu
}
def Basic(c, stride = 1) {
  main = in -> conv(c, stride = stride, bias = false) -> batchnorm -> relu
            -> conv(c, bias = false) -> batchnorm
  skip = if stride != 1 or in.c != c { in -> subsample(stride) -> pad_channels(c) } else { in }
  out  = add(main, skip) -> relu
}
def Mixed(c) {
  { conv(c // 2, 1) | conv(c // 4) -> conv(c // 4, 5) | identity } -> concat -> conv(c)
}
"""
NETWORKS = {
    "vgg": """\
arch 1
from std.recipes import paper_cifar10
<STD>model VGG(classes = 10, n = 2) {
  input [3, 32, 32]
  backbone {
    stage s1 { block b1 { ConvBNReLU(128) * n } -> tap -> maxpool(2) }
    stage s2 { block b2 { ConvBNReLU(256) * n } -> tap -> maxpool(2) }
    stage s3 { block b3 { ConvBNReLU(512) * n } -> tap -> maxpool(2) }
  }
  head { flatten -> linear(1024) -> relu -> linear(1024) -> relu -> linear(classes) }
  train cifar10 with paper_cifar10
}
""",
    "resnet": """\
arch 1
<STD>model ResNet(classes = 10, n = 3) {
  input [3, 32, 32]
  backbone {
    stage s1 { block b1 { ConvBNReLU(64) as stem -> Basic(64) * n } -> tap }
    stage s2 { block b2 { Basic(128, stride = 2) -> Basic(128) * (n - 1) } -> tap }
    stage s3 { block b3 { Basic(256, stride = 2) -> Mixed(256) * (n - 1) } -> tap }
  }
  aggregate lstm(hidden = 256) {
    readout last_and_feature
    map s1.b1 { conv(16, stride = 2) -> gap -> linear(256) }
    map middle { kernel = 3; norm = none }
    normalize layer
  }
  head { linear(256) -> relu -> linear(classes) }
}
""",
}
UNIT = STD.partition("def Basic")[0]
TEXTS = {
    name: text.replace("<STD>", UNIT if name == "vgg" else STD) for name, text in NETWORKS.items()
}

Plant = Callable[[str], Iterator[tuple[int, str, str]]]
"""Yields offset, text taken out, text put in."""


def words(pattern: str, put: Callable[[re.Match[str]], str]) -> Plant:
    """Return a plant that replaces group 1 of every match."""

    def plant(text: str) -> Iterator[tuple[int, str, str]]:
        for match in re.finditer(pattern, text):
            yield match.start(1), match[1], put(match)

    return plant


def swapped(match: re.Match[str]) -> str:
    word = match[1]
    return word[0] + word[2] + word[1] + word[3:]


_OPERATOR = "|".join(name for name in OPERATORS if len(name) > 2)
_FAULTS: dict[str, tuple[str, Plant]] = {
    "operator-misspelt": ("ARCH101", words(rf"\b({_OPERATOR})\b(?! =)", swapped)),
    "def-misspelt": ("ARCH101", words(r"(?<!def )\b(ConvBNReLU|Basic|Mixed)\b", swapped)),
    "operator-unknown": ("ARCH101", words(r"-> (relu|batchnorm|identity)\b", lambda m: "frobnicate")),
    "argument-misspelt": ("ARCH103", words(r"[(,] ?(stride|bias|hidden) = (?=\w+[,)])(?!1)", swapped)),
    "argument-unknown": ("ARCH103", words(r"\b(conv\()", lambda m: "conv(colour = 3, ")),
    "argument-extra": ("ARCH112", words(r"\b(relu|batchnorm|gap|flatten)\b", lambda m: f"{m[1]}(1)")),
    "argument-missing": ("ARCH104", words(r"\b(linear\(\d+\))", lambda m: "linear()")),
    "stride-0": ("ARCH105", words(r"stride = (2)", lambda m: "0")),
    "kernel-even": ("ARCH206", words(r"(?:conv\(c // 2|conv\(c // 4), (\d)", lambda m: "4")),
    "no-channels": ("ARCH105", words(r"(?:linear|ConvBNReLU)\((\d+)", lambda m: "0")),
    "minus-channels": ("ARCH105", words(r"Basic\((\d+)", lambda m: "-8")),
    "more-channels": ("ARCH203", words(r"-> conv\((c), bias", lambda m: "c + 1")),
    "fewer-channels": ("ARCH208", words(r"pad_channels\((c)\)", lambda m: "c // 8")),
    "other-size": ("ARCH202", words(r"conv\(c // 4, (5)", lambda m: "5, stride = 2")),
    "window-too-large": ("ARCH204", words(r"maxpool\((2)\)", lambda m: "200")),
    "dangling-tensor": ("ARCH102", words(r"add\((?:main, )?(main|skip)", swapped)),
    "dangling-value": ("ARCH102", words(r"linear\((classes)\)", lambda m: "clases")),
    "dangling-size": ("ARCH102", words(r"in\.(c)", lambda m: "channels")),
    "dead-branch": ("ARCH108", words(r"(\n  out)", lambda m: "\n  dead = in -> relu\n  out")),
    "name-twice": ("ARCH106", words(r"(\n  out)", lambda m: "\n  main = in -> relu\n  out")),
    "unused-parameter": ("ARCH107", words(r"def \w+\((c)", lambda m: "c, unused = 3")),
    "keyword-misspelt": ("ARCH001", words(r"\b(stage|block|head|backbone|input|model|def)\b", swapped)),
    "bracket-missing": ("ARCH002", words(r"linear\(classes(\))", lambda m: "")),
    "value-missing": ("ARCH001", words(r"= (\d+)[,)]", lambda m: "")),
    "character-odd": ("ARCH003", words(r"(->)", lambda m: "-> @")),
    "wrong-length": ("ARCH304", words(r"gap -> linear\((256)", lambda m: "255")),
    "setting-unknown": ("ARCH103", words(r"\{ (kernel) =", swapped)),
    "readout-unknown": ("ARCH305", words(r"readout (\w+)", swapped)),
    "tap-unknown": ("ARCH302", words(r"map (s1\.b1)", lambda m: "s1.b2")),
    "later-aggregator": ("ARCH190", words(r"aggregate (lstm)\b", lambda m: "gru")),
    "input-bad": ("ARCH105", words(r"input (\[3, 32, 32\])", lambda m: "[3, 32]")),
    "no-tap-at-the-end": ("RA004", words(r"s3.*( -> tap)", lambda m: "")),
}  # fmt: skip


def test_the_specs_are_right() -> None:
    for text in TEXTS.values():
        diagnostics, _ = check({"main.arch": text})
        assert not [d for d in diagnostics if d.severity is Severity.ERROR]


@pytest.mark.parametrize("network", TEXTS)
@pytest.mark.parametrize("fault", _FAULTS)
def test_one_mistake_one_message(fault: str, network: str) -> None:
    code, plant = _FAULTS[fault]
    text = TEXTS[network]
    planted = list(plant(text))
    if fault == "no-tap-at-the-end" and network == "vgg":
        pytest.skip("without an aggregator no block needs a tap")
    for offset, taken, put in planted:
        if put == taken:
            continue
        broken = text[:offset] + put + text[offset + len(taken) :]
        diagnostics, _ = check({"main.arch": broken})
        errors = [d for d in diagnostics if d.severity is Severity.ERROR]
        line = text[:offset].count("\n") + 1 + (put.count("\n") - put.startswith("\n  out"))
        shown = [f"{d.primary and d.primary.span}: {d.code} {d.message}" for d in errors]
        assert [d.code for d in errors] == [code], f"line {line}, {put!r}: {shown}"
        assert errors[0].help, shown
