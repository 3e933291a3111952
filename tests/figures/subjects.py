"""Networks that figures are tested with, beside the paper's: of the zoo, and under stress."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from archdsl.compiler import compile_spec, load_spec
from archdsl.ir import Network

ZOO = Path(__file__).parent.parent.parent / "specs" / "zoo"

LONG = "a_name_of_sixty_characters_that_is_much_longer_than_its_boxes"


def stages(count: int, *, taps: int = 1, name: str = "", readout: str = "last") -> str:
    """Return a spec of so many stages with so many taps each."""
    channels = 64
    lines = ["arch 1", "from std.blocks import Basic, ConvBNReLU", "model Stress(classes = 10) {"]
    lines += [f"  input [3, {2**count}, {2**count}]", "  backbone {", "    conv(8, 7) -> relu"]
    for i in range(1, count + 1):
        wide = channels if i < count else 4**count
        blocks = [f"block b{j} {{ ConvBNReLU({wide}) * 2 }} -> tap" for j in range(1, taps)]
        blocks.append(f"block b{taps} {{ conv({wide}, 1) -> Basic({wide}) * {i} }} -> tap")
        down = " -> maxpool(2)" if i < count else ""
        lines.append(f"    stage {name or 's'}{i} {{ {'; '.join(blocks)}{down} }}")
    lines += ["  }", f"  aggregate lstm(hidden = 256) {{ readout {readout} }}"]
    lines += ["  head { linear(256) -> relu -> linear(classes) }", "}"]
    return "\n".join(lines) + "\n"


ALLOWED = """arch 1
model Allowed(classes = 10) {
  input [3, 32, 32]
  allow RA001 "日本語 <script>alert(1)</script> \\N & Ünïcødé: REASON"
  backbone {
    stage s1 { block b1 { conv(16) -> relu } -> tap -> maxpool(2) }
    stage s2 { block b1 { conv(32) -> relu } -> tap }
  }
  aggregate lstm(hidden = 24) { normalize layer; readout last_and_feature }
  head { linear(classes) }
}
"""

WIRED = """arch 1
# Branches that never meet, but cross: no chain and no fork can show them.
def Crossed(c) {
  a   = in -> conv(c, 1)
  b   = in -> conv(c, 3)
  d   = add(a, b) -> relu
  e   = concat(a, d) -> conv(c, 1)
  out = add(e, d)
}
model Wired(classes = 10) {
  input [3, 32, 32]
  backbone {
    stage s1 { block b1 { Crossed(16) -> conv(16) } -> tap -> maxpool(2) }
    stage s2 {
      block b1 {
        { conv(8) | conv(8, 5) -> relu | maxpool(3, stride = 1, padding = 1) | identity } -> concat
        conv(32) -> { conv(32) -> sigmoid | identity } -> mul -> conv(32)
      } -> tap
    }
  }
  aggregate lstm(hidden = 24) {
    map s1.b1 { conv(64, 3, stride = 2) -> { conv(8) | conv(24) } -> concat -> gap }
  }
  head { dropout(0.5) -> linear(classes) -> softmax }
}
"""

UNREAD = """arch 1
model Unread(classes = 10) {
  input [3, 32, 32]
  backbone {
    stage s1 { block b1 { conv(16) -> relu -> conv(16) } -> tap -> maxpool(2) }
    stage s2 { block b1 { conv(32) -> relu -> conv(32) } -> tap -> conv(64) -> relu -> conv(64) }
  }
  aggregate lstm(hidden = 24)
  head { linear(classes) }
}
"""

PLAIN = """arch 1
model Plain { input [3, 16, 16]; backbone { conv(8) -> relu -> conv(8) -> gap -> linear(10) } }
"""

REASON = "ein Grund, der so lang ist, dass er nicht in eine Zeile passt und in mehreren steht"

STRESS = {
    "one stage": stages(1),
    "three stages": stages(3, readout="all"),
    "six stages": stages(6, readout="last_and_feature"),
    "eight stages": stages(8),
    "twelve stages": stages(12),
    "two taps a stage": stages(4, taps=2, readout="all"),
    "long names": stages(3, taps=2, name=LONG),
    "allowed": ALLOWED.replace("REASON", REASON),
    "wired": WIRED,
    "plain": PLAIN,
    "unread": UNREAD,
}
AGGREGATED = [
    "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "mobilenet_v3_large",
    "regnet_y_400mf", "resnet50", "shufflenet_v2_x1_0", "squeezenet1_1",
]  # fmt: skip
"""Of the zoo, with an aggregation each."""
ALONE = ["alexnet", "convnext_tiny", "vgg16_bn", "wrn_28_10"]
"""Of the zoo, as they are."""
NAMES = [*STRESS, *AGGREGATED, *ALONE]


@cache
def subject(name: str) -> Network:
    """Return a network by its name."""
    if name in STRESS:
        return compiled(STRESS[name])
    if name in ALONE:
        return compile_spec(load_spec(ZOO / f"{name}.arch")).network
    text = (ZOO / f"{name}.arch").read_text(encoding="utf-8")
    base = re.findall(r"^model (\w+)", text, re.MULTILINE)[0]
    aggregate = "aggregate lstm(hidden = 256)\n  head { linear(256) -> relu -> linear(classes) }"
    return compiled(f"{text}\nmodel {base}_RA extends {base} {{\n  {aggregate}\n}}\n", f"{base}_RA")


def compiled(text: str, model: str | None = None) -> Network:
    """Return the network of a text."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spec.arch"
        path.write_text(text, encoding="utf-8")
        return compile_spec(load_spec(path), model).network
