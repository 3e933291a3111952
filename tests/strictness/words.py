"""Every word that the language knows, each in a spec that is right, and typos of it."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.aggregators import AGGREGATORS, READOUTS
from archdsl.elaborate.aggregating import SETTINGS
from archdsl.elaborate.messages import RULES, show
from archdsl.elaborate.recipes import KEYS
from archdsl.elaborate.values import FUNCTIONS
from archdsl.operators import OPERATORS
from archdsl.operators.operator import Operator
from archdsl.operators.signature import Kind, Parameter, Unfit, Value
from archdsl.recipes import DATASETS, ENTRIES
from archdsl.recipes.recipe import SCALARS
from archdsl.syntax.parser import grammar_parser


@dataclass(frozen=True)
class Word:
    """A word of the language: its kind, a spec with ``@`` in its place, and what else fits."""

    kind: str
    text: str
    spec: str
    valid: frozenset[str] = frozenset()

    def spelt(self, word: str) -> str:
        """Return the spec with another spelling."""
        return self.spec.replace("@", word)

    @property
    def line(self) -> int:
        """The line on which the word stands."""
        return self.spec[: self.spec.index("@")].count("\n") + 1


def typos(word: Word, count: int = 8) -> list[str]:
    """Return typos of a word: a letter left out, doubled, replaced, swapped or put in.

    The same every time; those that make another word that is right there are left out.
    """
    chance = random.Random(f"{word.kind} {word.text}")
    text = word.text
    made: dict[str, None] = {}
    for kind in ("delete", "double", "replace", "swap", "insert") * 4:
        at = chance.randrange(len(text))
        letter = chance.choice(string.ascii_lowercase)
        typo = {
            "delete": text[:at] + text[at + 1 :],
            "double": text[: at + 1] + text[at:],
            "replace": text[:at] + letter + text[at + 1 :],
            "swap": text[:at] + text[at : at + 2][::-1] + text[at + 2 :],
            "insert": text[:at] + letter + text[at:],
        }[kind]
        is_name = typo.replace(".", "x").isidentifier()
        if is_name and typo != text and typo not in word.valid:
            made[typo] = None
    return list(made)[:count]


MODEL = """\
arch 1
from std.recipes import digits
def Unit(c, k = 3) { conv(c, k) -> relu }
model Base(classes = 10) {
  input [1, 8, 8]
  backbone {
    stage s1 { block b1 { Unit(16) -> Unit(16) } -> tap }
    stage s2 { block b1 { Unit(16) -> Unit(16) } -> tap }
  }
  head { gap -> linear(classes) }
  train digits with digits
}
"""

ARGUMENT = "arch 1\ndef F(w) {\n  conv(w)\n  %s\n  relu\n}\n"

AGGREGATED = MODEL + "model RA extends Base {\n  aggregate %s\n  head { linear(classes) }\n}\n"

RECIPE = """\
arch 1
recipe r {
  epochs 3
  batch 8
  optimizer sgd(lr = 0.1)
  schedule step(at = [1])
  %s
}
"""

SETTING = "arch 1\nrecipe r {\n%s}\n"

FOREIGN = """arch 1
model X {
  input [3, 64, 64]
  backbone torchvision("resnet18") %s
}
"""

KEYWORDS = {
    "arch": "@ 1\ndef F(c) { conv(c) }\n",
    "from": "arch 1\n@ std.blocks import ConvBNReLU\ndef F(c) { ConvBNReLU(c) }\n",
    "import": "arch 1\nfrom std.blocks @ ConvBNReLU\ndef F(c) { ConvBNReLU(c) }\n",
    "let": "arch 1\n@ width = 8\ndef F { conv(width) }\n",
    "def": "arch 1\n@ F(c) { conv(c) }\n",
    "model": MODEL.replace("model Base", "@ Base"),
    "extends": MODEL + "model RA @ Base {\n  head { gap -> linear(classes) }\n}\n",
    "recipe": SETTING.replace("recipe", "@") % "  epochs 1; batch 2; optimizer sgd(lr = 0.1)\n",
    "variants": MODEL + "@ sizes of Base { classes in [10, 20] }\n",
    "of": MODEL + "variants sizes @ Base { classes in [10, 20] }\n",
    "in": MODEL + "variants sizes of Base { classes @ [10, 20] }\n",
    "input": MODEL.replace("input", "@"),
    "backbone": MODEL.replace("backbone", "@"),
    "frozen": FOREIGN % "@ { taps auto }",
    "taps": FOREIGN % "{ @ auto }",
    "tap": MODEL.replace("-> tap }\n  }", "-> @ }\n  }"),
    "head": MODEL.replace("head", "@"),
    "aggregate": AGGREGATED.replace("aggregate", "@") % "lstm(hidden = 8)",
    "over": AGGREGATED % "lstm(hidden = 8) @ s1.b1, s2.b1",
    "readout": AGGREGATED % "lstm(hidden = 8) { @ last }",
    "map": AGGREGATED % "lstm(hidden = 8) { @ middle { kernel = 1 } }",
    "normalize": AGGREGATED % "lstm(hidden = 8) { @ layer }",
    "train": MODEL.replace("train", "@"),
    "with": MODEL.replace("with", "@"),
    "expect": MODEL.replace("  train", "  @ convs >= 1\n  train"),
    "allow": MODEL.replace("  train", '  @ RA002 "as published"\n  train'),
    "as": "arch 1\ndef F(c) {\n  a = in -> conv(c) @ b -> relu\n  out = add(a, b)\n}\n",
    "if": "arch 1\ndef F(c) {\n  @ c > 1 { conv(c) } else { relu }\n}\n",
    "else": "arch 1\ndef F(c) {\n  if c > 1 { conv(c) } @ { relu }\n}\n",
    "and": "arch 1\ndef F(c) {\n  if c > 1 @ c < 9 { conv(c) } else { relu }\n}\n",
    "or": "arch 1\ndef F(c) {\n  if c < 1 @ c > 9 { conv(c) } else { relu }\n}\n",
    "not": "arch 1\ndef F(c) {\n  if @ (c < 1) { conv(c) } else { relu }\n}\n",
    "true": "arch 1\ndef F(c) {\n  conv(c, bias = @)\n}\n",
    "false": "arch 1\ndef F(c) {\n  conv(c, bias = @)\n}\n",
    "stage": MODEL.replace("stage s2", "@ s2"),
    "block": MODEL.replace("stage s2 { block", "stage s2 { @"),
    "repeat": "arch 1\ndef F(n) {\n  @ n carry y = in { concat(y, y -> conv(8)) }\n}\n",
    "carry": "arch 1\ndef F(n) {\n  repeat n @ y = in { concat(y, y -> conv(8)) }\n}\n",
}


def grammar_keywords() -> set[str]:
    """Return the keywords of the grammar."""
    texts = {t.pattern.value for t in grammar_parser().terminals if t.pattern.type == "str"}
    return {text for text in texts if text.isidentifier()}


def words() -> Iterator[Word]:
    """Yield every word of the language in its place."""
    keywords = frozenset(KEYWORDS)
    for text, spec in KEYWORDS.items():
        yield Word("keyword", text, spec, keywords)
    steps = frozenset([*OPERATORS, "tap"])
    for operator in OPERATORS.values():
        yield Word("operator", operator.name, ARGUMENT % call(operator, "@"), steps)
        names = frozenset(p.name for p in operator.parameters)
        for parameter in operator.parameters:
            use = call(operator, operator.name, parameter)
            yield Word("argument", parameter.name, ARGUMENT % use, names)
    yield from of_aggregation()
    yield from of_recipes()
    for name in FUNCTIONS:
        arguments = "c, 8" if name in ("min", "max", "round_to") else "c"
        spec = f"arch 1\ndef F(c) {{\n  conv(@({arguments}))\n}}\n"
        yield Word("function", name, spec, frozenset(FUNCTIONS))
    for size in "chw":
        yield Word("size", size, "arch 1\ndef F {\n  conv(in.@)\n}\n", frozenset("chwn"))
    for code in RULES:
        spec = MODEL.replace("  train", '  allow @ "because"\n  train')
        yield Word("rule", code, spec, frozenset(RULES))
    for dataset in DATASETS:
        shape = show(DATASETS[dataset].image)
        spec = MODEL.replace("[1, 8, 8]", shape).replace("train digits", "train @")
        yield Word("data set", dataset, spec, frozenset(DATASETS))
    for name in ("ConvBNReLU", "Basic"):
        spec = f"arch 1\nfrom std.blocks import @\ndef F(c) {{ {name}(c) }}\n"
        yield Word("import", name, spec)
        spec = f"arch 1\nfrom std.blocks import {name}\ndef F(c) {{\n  @(c)\n}}\n"
        yield Word("def", name, spec, steps)
    for library in ("std.blocks", "std.recipes"):
        name = "Basic" if library == "std.blocks" else "digits"
        yield Word("library", library, f"arch 1\nfrom @ import {name}\n")


def of_aggregation() -> Iterator[Word]:
    """Yield the words of an aggregate clause."""
    for aggregator in AGGREGATORS.values():
        use = call(aggregator, "@")
        yield Word("aggregator", aggregator.name, AGGREGATED % use, frozenset(AGGREGATORS))
        for parameter in aggregator.parameters:
            use = call(aggregator, aggregator.name, parameter)
            yield Word("argument", parameter.name, AGGREGATED % use)
    clause = AGGREGATED % "lstm(hidden = 8) {\n    %s\n  }"
    for readout in READOUTS:
        yield Word("readout", readout, clause % "readout @", frozenset(READOUTS))
    for word in ("layer", "batch", "none"):
        yield Word("normalization", word, clause % "normalize @")
    for level, setting in (("middle", "kernel = 1"), ("last", "gap")):
        yield Word("level", level, clause % f"map @ {{ {setting} }}")
    shallow = clause.replace("} -> tap }\n    stage s2", "} -> tap -> maxpool(4) }\n    stage s2")
    yield Word("level", "shallow", shallow % "map @ { kernel = 4 }")
    for name, parameter in SETTINGS.items():
        value = parameter.kind.words[0] if parameter.kind.words else "1"
        body = f"map middle {{ @ = {value} }}"
        yield Word("setting", name, clause % body, frozenset(SETTINGS))
        for word in parameter.kind.words:
            yield Word("word", word, clause % f"map middle {{ {name} = @ }}")
    yield Word("tap", "s1.b1", AGGREGATED % "lstm(hidden = 8) over @, s2.b1", frozenset(["s2.b1"]))


def of_recipes() -> Iterator[Word]:
    """Yield the words of recipes."""
    good = {
        "epochs": "epochs 3",
        "batch": "batch 8",
        "optimizer": "optimizer sgd(lr = 0.1)",
        "schedule": "schedule step(at = [1])",
        "augment": "augment { hflip }",
        "seed": "seed 1",
        "warmup": "warmup linear(length = 1)",
        "label_smoothing": "label_smoothing 0.1",
        "clip": "clip 1.0",
        "ema": "ema 0.9",
    }
    for key in KEYS:
        lines = [text.replace(key, "@", 1) if name == key else text for name, text in good.items()]
        spec = SETTING % "".join(f"  {line}\n" for line in lines)
        yield Word("recipe key", key, spec, frozenset(KEYS))
        if key in SCALARS:
            spec = SETTING % "".join(f"  {line}\n" for line in lines).replace("@", "@ =")
            yield Word("recipe key", key, spec, frozenset(KEYS))
        for word in SCALARS[key].kind.words if key in SCALARS else ():
            lines = [text if name != key else f"{key} @" for name, text in good.items()]
            yield Word("word", word, SETTING % "".join(f"  {line}\n" for line in lines))
    for entry in ENTRIES.values():
        others = {place: text for place, text in good.items() if place != entry.place}
        names = frozenset(e.name for e in ENTRIES.values() if e.place == entry.place)
        body = "".join(f"  {text}\n" for text in others.values())
        spec = SETTING % f"{body}  {entry.place} {call(entry, '@')}\n"
        yield Word(entry.place, entry.name, spec, names | {"none"})
        for parameter in entry.parameters:
            use = call(entry, entry.name, parameter)
            spec = SETTING % f"{body}  {entry.place} {use}\n"
            yield Word("argument", parameter.name, spec)
            for word in parameter.kind.words:
                value = f"{parameter.name} = {sample(parameter)}"
                use = call(entry, entry.name, parameter).replace("@", parameter.name)
                spec = SETTING % f"{body}  {entry.place} {use}\n"
                spec = spec.replace(value, f"{parameter.name} = @")
                yield Word("word", word, spec, frozenset(parameter.kind.words))
            if entry.place != "augment":
                start = f"{body}  {entry.place} {call(entry, entry.name)}\n"
                value = sample(parameter)
                nested = f"recipe q extends r {{\n  {entry.place}.@ = {value}\n}}\n"
                yield Word("nested key", parameter.name, SETTING % start + nested)
                nested = f"recipe q extends r {{\n  @.{parameter.name} = {value}\n}}\n"
                yield Word("nested key", entry.place, SETTING % start + nested)


def call(operator: object, name: str, marked: Parameter | None = None) -> str:
    """Return a call with what is required, and the marked parameter by name, ``@``."""
    parameters: tuple[Parameter, ...] = operator.parameters  # type: ignore[attr-defined]
    given = [
        f"{'@' if p is marked else p.name} = {sample(p)}"
        for p in parameters
        if p.required or p is marked
    ]
    if isinstance(operator, Operator) and operator.joins and not operator.parameters:
        given = ["in", "in"]
    return f"{name}({', '.join(given)})" if given else name


def sample(parameter: Parameter) -> str:
    """Return a value that a parameter takes."""
    default = None if parameter.required else parameter.default
    if default is not None:
        return shown(parameter.kind, default)  # type: ignore[arg-type]
    candidates: list[Value] = [2, 0.5, (1, 2), True, *parameter.kind.words]
    for value in candidates:
        try:
            parameter.kind.check(value)
        except Unfit:
            continue
        return shown(parameter.kind, value)
    raise AssertionError(parameter.name)


def shown(kind: Kind, value: Value) -> str:
    """Return a value as a spec writes it."""
    return str(value) if isinstance(value, str) and value in kind.words else show(value)
