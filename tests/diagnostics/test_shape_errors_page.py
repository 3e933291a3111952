"""docs/shape_errors.md: ten shape faults as this compiler reports them, and as PyTorch does.

The page is written by `pytest --update`. Our side is compared always, PyTorch's where the release
that is installed is the one that the page names (up to its patch number).
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from markdown_cases import check

from archdsl.diagnostics.text import render_text

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "shape_errors.md"
RUNNER = Path(__file__).with_name("torch_faults.py")

HEAD = """\
# Ten shape faults, here and in PyTorch

Each of these networks is wrong. Below are, for each, a spec with what `archdsl check` says of it,
and the same network in PyTorch with what PyTorch {version} says when it is built and run on one
image. Both are real output: `tests/diagnostics/test_shape_errors_page.py` writes this page.

What differs throughout:

* **When.** `archdsl check` needs neither torch nor data nor weights, and reports all faults of a
  file in one run. PyTorch stops at the first, when the module is built or when the first batch
  reaches it; {silent} of the ten it never reports.
* **Where.** Ours is a place in the spec, with the shapes at hand and where each comes from.
  PyTorch's is the frame of the function that gave up; the line of one's own code stands further up,
  and which call made the other shape does not stand there at all.
* **What to do.** Ours ends with an edit that makes the shapes fit.

| fault | ours | PyTorch: when | raised in |
| --- | --- | --- | --- |
{rows}
"""

_MODEL = "model Net {{\n  input [3, 32, 32]\n  backbone {{ {backbone} }}\n  head {{ {head} }}\n}}\n"


@dataclass(frozen=True)
class Fault:
    """One fault: the spec, and the same network in PyTorch."""

    title: str
    spec: str
    torch: str


def spec(backbone: str, head: str = "gap -> linear(10)", before: str = "") -> str:
    return "arch 1\n" + before + _MODEL.format(backbone=backbone, head=head)


def net(init: str, forward: str) -> str:
    body = "".join(f"        {line}\n" for line in init.strip().split("\n"))
    steps = "".join(f"        {line}\n" for line in forward.strip().split("\n"))
    return (
        "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"{body}\n    def forward(self, x):\n{steps}"
    )


BLOCK = """\
def Basic(c, s = 1) {
  main = in -> conv(c, stride = s) -> relu -> conv(c)
  out  = add(main, in)
}
"""

FAULTS = (
    Fault(
        "A shortcut without the stride of its branch",
        spec("conv(16) -> Basic(16, s = 2)", before=BLOCK),
        net(
            "self.stem = nn.Conv2d(3, 16, 3, padding=1)\n"
            "self.a = nn.Conv2d(16, 16, 3, stride=2, padding=1)\n"
            "self.b = nn.Conv2d(16, 16, 3, padding=1)",
            "x = self.stem(x)\nmain = self.b(F.relu(self.a(x)))\nreturn main + x",
        ),
    ),
    Fault(
        "A shortcut with other channels than its branch",
        spec("conv(16) -> Basic(32)", before=BLOCK),
        net(
            "self.stem = nn.Conv2d(3, 16, 3, padding=1)\n"
            "self.a = nn.Conv2d(16, 32, 3, padding=1)\n"
            "self.b = nn.Conv2d(32, 32, 3, padding=1)",
            "x = self.stem(x)\nmain = self.b(F.relu(self.a(x)))\nreturn main + x",
        ),
    ),
    Fault(
        "A sum with a branch of one channel",
        spec("conv(16) -> { conv(16) | conv(1) } -> add"),
        net(
            "self.stem = nn.Conv2d(3, 16, 3, padding=1)\n"
            "self.a = nn.Conv2d(16, 16, 3, padding=1)\n"
            "self.b = nn.Conv2d(16, 1, 3, padding=1)",
            "x = self.stem(x)\nreturn self.a(x) + self.b(x)",
        ),
    ),
    Fault(
        "A concatenation of different sizes",
        spec("conv(16) -> { conv(8, 1) | maxpool(3, stride = 2) } -> concat"),
        net(
            "self.stem = nn.Conv2d(3, 16, 3, padding=1)\nself.a = nn.Conv2d(16, 8, 1)",
            "x = self.stem(x)\nreturn torch.cat([self.a(x), F.max_pool2d(x, 3, stride=2)], dim=1)",
        ),
    ),
    Fault(
        "A linear layer on a feature map",
        spec("conv(16) -> relu", head="linear(10)"),
        net(
            "self.stem = nn.Conv2d(3, 16, 3, padding=1)\nself.fc = nn.Linear(16, 10)",
            "return self.fc(F.relu(self.stem(x)))",
        ),
    ),
    Fault(
        "A convolution on a vector",
        spec("conv(16) -> relu", head="gap -> conv(8) -> gap -> linear(10)"),
        net(
            "self.stem = nn.Conv2d(3, 16, 3, padding=1)\n"
            "self.late = nn.Conv2d(16, 8, 3, padding=1)",
            "x = F.relu(self.stem(x)).mean((2, 3))\nreturn self.late(x)",
        ),
    ),
    Fault(
        "One halving too many",
        spec("{ conv(16) -> maxpool(2) } * 6"),
        net(
            "widths = [3, 16, 16, 16, 16, 16]\n"
            "self.convs = nn.ModuleList(nn.Conv2d(c, 16, 3, padding=1) for c in widths)",
            "for conv in self.convs:\n    x = F.max_pool2d(conv(x), 2)\nreturn x",
        ),
    ),
    Fault(
        "Groups that do not divide the channels",
        spec("conv(30) -> conv(64, groups = 4)"),
        net(
            "self.stem = nn.Conv2d(3, 30, 3, padding=1)\n"
            "self.grouped = nn.Conv2d(30, 64, 3, padding=1, groups=4)",
            "return self.grouped(self.stem(x))",
        ),
    ),
    Fault(
        "Padding that keeps the size, with an even kernel",
        spec("conv(16, 4)"),
        net(
            'self.stem = nn.Conv2d(3, 16, 4, padding="same")',
            "return self.stem(x)  # padded by 1 on one side, by 2 on the other",
        ),
    ),
    Fault(
        "Channels padded to fewer than there are",
        spec("conv(16) -> pad_channels(8)"),
        net(
            "self.stem = nn.Conv2d(3, 16, 3, padding=1)",
            "x = self.stem(x)\nreturn F.pad(x, (0, 0, 0, 0, 0, 8 - x.shape[1]))",
        ),
    ),
)


def ours(fault: Fault) -> tuple[str, str]:
    """Return the code of the one fault, and what is printed."""
    (diagnostic,) = check({"net.arch": fault.spec})[0]
    return diagnostic.code, render_text([diagnostic], 100).plain


def torchs() -> tuple[str, list[dict[str, object]]]:
    """Return torch's version, and what it says of each fault."""
    run = subprocess.run(
        [sys.executable, str(RUNNER)],
        input=json.dumps([fault.torch for fault in FAULTS]),
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    found = json.loads(run.stdout)
    return found["version"], found["answers"]


def anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def page(torch_version: str, answers: list[dict[str, object]]) -> str:
    """Return the whole page."""
    rows, sections = [], []
    for number, (fault, answer) in enumerate(zip(FAULTS, answers, strict=True), 1):
        code, printed = ours(fault)
        heading = f"{number}. {fault.title}"
        frames = [str(frame) for frame in answer["frames"]]  # type: ignore[attr-defined]
        where = f"`{frames[-1]}`" if frames else "nowhere"
        rows.append(
            f"| [{fault.title}](#{anchor(heading)}) | {code} | {answer['when']} | {where} |"
        )
        said = str(answer["error"])
        warned = answer.get("warnings", [])
        said += "".join(f"\nwarning: {text}" for text in warned)  # type: ignore[attr-defined]
        said += "".join(f"\n  {frame}" for frame in frames)
        sections.append(
            f"## {heading}\n\n```arch\n{fault.spec}```\n\n```text\n{printed}\n```\n\n"
            f"In PyTorch:\n\n```python\n{fault.torch}```\n\n```text\n{said}\n```\n"
        )
    silent = sum(answer["when"] == "never" for answer in answers)
    head = HEAD.format(version=torch_version, rows="\n".join(rows), silent=silent)
    return head + "\n" + "\n".join(sections)


def release(number: str) -> list[str]:
    return number.split("+")[0].split(".")[:2]


def written_version() -> str:
    match = re.search(r"what PyTorch (\S+)\s+says", PAGE.read_text(encoding="utf-8"))
    assert match is not None
    return match[1]


def test_the_page_is_what_both_say(request: pytest.FixtureRequest) -> None:
    try:
        installed = version("torch")
    except PackageNotFoundError:
        pytest.skip("torch is not installed")
    update = request.config.getoption("--update")
    if not update and release(installed) != release(written_version()):
        pytest.skip(f"the page is of torch {written_version()}, {installed} is installed")
    found, answers = torchs()
    text = page(found, answers)
    if update:
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8").replace(written_version(), found, 1) == text


def test_our_side_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for fault in FAULTS:
        code, printed = ours(fault)
        assert f"```arch\n{fault.spec}```\n\n```text\n{printed}\n```" in text, fault.title
        assert f"| {code} |" in text


def test_every_fault_is_one_message_with_shapes_and_help() -> None:
    for fault in FAULTS:
        (diagnostic,) = check({"net.arch": fault.spec})[0]
        assert diagnostic.help, fault.title
        shapes = [label.text for label in diagnostic.labels if "[" in label.text]
        assert shapes or diagnostic.code == "ARCH206", fault.title  # the kernel alone is at fault


@pytest.mark.parametrize(
    ("number", "before", "after"),
    [
        (1, "add(main, in)", "add(main, in -> conv(16, 1, stride = 2))"),
        (2, "add(main, in)", "add(main, in -> conv(32, 1))"),
        (3, "conv(1) }", "conv(1) -> conv(16, 1) }"),
        (4, "conv(8, 1) | maxpool(3, stride = 2)",
         "conv(8, 1, stride = 2) | maxpool(3, stride = 2, padding = 1)"),
        (5, "linear(10)", "gap -> linear(10)"),
        (5, "linear(10)", "flatten -> linear(10)"),
        (6, "gap -> conv(8) -> gap", "conv(8) -> gap"),
        (7, "* 6", "* 5"),
        (8, "groups = 4", "groups = 2"),
        (9, "conv(16, 4)", "conv(16, 4, padding = 2)"),
        (9, "conv(16, 4)", "conv(16, 5)"),
        (10, "pad_channels(8)", "pad_channels(16)"),
        (10, "pad_channels(8)", "conv(8, 1)"),
    ],
)  # fmt: skip
def test_with_what_help_says_the_shapes_fit(number: int, before: str, after: str) -> None:
    wrong = FAULTS[number - 1].spec
    assert wrong.count(before) == 1
    assert not check({"net.arch": wrong.replace(before, after)})[0]
