"""The eight networks against the paper: wanted and found. Run with -s to see the table.

Wanted figures are worked out by hand from the paper's text and tables (weights, two bias vectors of
the LSTM; multiply-accumulates of convolutions, linear layers and the LSTM), never by this package.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from math import prod
from pathlib import Path

import pytest

from archdsl import Compiled, compile
from archdsl.ir import Level, Network, RegionKind

SPECS = Path(__file__).parents[2] / "specs"


@cache
def network(name: str, classes: int = 10) -> Network:
    return compile(SPECS / f"{name}.arch", classes=classes).network


def written(folder: Path, text: str) -> Compiled:
    """Compile a spec that stands beside copies of the real ones."""
    for path in SPECS.glob("*.arch"):
        (folder / path.name).write_text(path.read_text())
    spec = folder / "variant.arch"
    spec.write_text("arch 1\n" + text)
    return compile(spec)


def sums(found: Network) -> dict[str, int]:
    """Return parameters by part of the network."""
    parts = {"backbone": 0, "nodes": 0, "LSTM": 0, "head": 0}
    for node in found.nodes:
        top = node.id.split(".")[0]
        part = "nodes" if top.startswith("map_") else {"lstm": "LSTM"}.get(top, top)
        if node.params:
            parts[part] += node.params
    return parts


# A network, then: params (10), params (100), MACs (10), MACs (100), backbone, nodes, LSTM,
# head (10), buffers.
_TABLE = """
vgg1
    14,027,658 14,119,908 616,966,144 617,058,304 4,578,176 0 0 9,449,482 3,590
vgg2
    20,224,394 20,316,644 1,522,935,808 1,523,027,968 10,774,912 0 0 9,449,482 7,180
resnet
    15,202,378 15,225,508 2,229,012,992 2,229,036,032 15,134,016 0 0 68,362 18,109
vgg1_ra
    6,681,482 6,704,612 702,220,800 702,243,840 4,578,176 1,246,464 788,480 68,362 4,872
vgg2_ra
    12,878,218 12,901,348 1,608,190,464 1,608,213,504 10,774,912 1,246,464 788,480 68,362 8,462
resnet_ra
    16,040,650 16,063,780 2,253,654,528 2,253,677,568 15,134,016 311,936 526,336 68,362 18,751
resnet_ra_b
    16,106,186 16,129,316 2,253,720,064 2,253,743,104 15,134,016 311,936 526,336 133,898 18,751
resnet_ra_c
    16,171,722 16,194,852 2,253,785,600 2,253,808,640 15,134,016 311,936 526,336 199,434 18,751
"""
_WORDS = iter(_TABLE.split())
TABLE = {name: [int(next(_WORDS).replace(",", "")) for _ in range(9)] for name in _WORDS}
COLUMNS = "params(10) params(100) MACs(10) MACs(100) backbone nodes LSTM head(10) buffers".split()
NETWORKS = list(TABLE)
AGGREGATING = [name for name in NETWORKS if "_ra" in name]


def found_row(name: str) -> list[int]:
    ten, hundred = network(name), network(name, 100)
    figures = [ten.params, hundred.params, ten.macs, hundred.macs, *sums(ten).values()]
    return [*figures, ten.buffers]


def test_table() -> None:
    found = {name: found_row(name) for name in NETWORKS}
    for name in NETWORKS:
        print(f"\n{name:<14}{'wanted':>16}{'found':>16}")
        for column, want, have in zip(COLUMNS, TABLE[name], found[name], strict=True):
            print(f"  {column:<12}{want:>16,}{have:>16,}{'' if want == have else '  <- differs'}")
    print(f"\n{'convolutions':<14}" + "".join(f" {n}={network(n).convolutions}" for n in NETWORKS))
    assert found == TABLE


@pytest.mark.parametrize(
    ("name", "wanted"),
    [(n, {"vgg1": 6, "vgg2": 12, "resn": 61}[n[:4]]) for n in NETWORKS],
)
def test_convolutions_of_the_backbone(name: str, wanted: int) -> None:
    assert network(name).convolutions == wanted


@pytest.mark.parametrize("name", NETWORKS)
def test_totals_are_those_of_the_parts(name: str) -> None:
    found = network(name)
    assert sum(sums(found).values()) == found.params


# --- shapes, layer by layer


def layers(found: Network) -> Iterator[tuple[str, tuple[int, ...], int, int]]:
    """Yield operator, shape, parameters and MACs of every layer that the tables list."""
    for node in found.nodes:
        if node.op in ("conv", "maxpool", "avgpool", "gap", "linear", "lstm", "flatten"):
            yield node.op, node.shape, node.params, node.macs


VGG1_BACKBONE = [
    ("conv", (128, 32, 32), 3_456, 3_538_944),
    ("conv", (128, 32, 32), 147_456, 150_994_944),
    ("maxpool", (128, 16, 16), 0, 0),
    ("conv", (256, 16, 16), 294_912, 75_497_472),
    ("conv", (256, 16, 16), 589_824, 150_994_944),
    ("maxpool", (256, 8, 8), 0, 0),
    ("conv", (512, 8, 8), 1_179_648, 75_497_472),
    ("conv", (512, 8, 8), 2_359_296, 150_994_944),
]
VGG_HEAD = [
    ("maxpool", (512, 4, 4), 0, 0),
    ("flatten", (8192,), 0, 0),
    ("linear", (1024,), 8_389_632, 8_388_608),
    ("linear", (1024,), 1_049_600, 1_048_576),
    ("linear", (10,), 10_250, 10_240),
]
VGG_NODES = [
    ("conv", (128, 16, 16), 65_536, 16_777_216),
    ("avgpool", (128, 2, 2), 0, 0),
    ("flatten", (512,), 0, 0),
    ("conv", (512, 8, 8), 1_179_648, 75_497_472),
    ("gap", (512,), 0, 0),
    ("gap", (512,), 0, 0),
    ("lstm", (3, 256), 788_480, 2_359_296),
]
RESNET_BACKBONE = (
    [("conv", (64, 32, 32), 1_728, 1_769_472)]
    + [("conv", (64, 32, 32), 36_864, 37_748_736)] * 20
    + [("conv", (128, 16, 16), 73_728, 18_874_368)]
    + [("conv", (128, 16, 16), 147_456, 37_748_736)] * 19
    + [("conv", (256, 8, 8), 294_912, 18_874_368)]
    + [("conv", (256, 8, 8), 589_824, 37_748_736)] * 19
)
RESNET_NODES = [
    ("conv", (64, 16, 16), 16_384, 4_194_304),
    ("avgpool", (64, 2, 2), 0, 0),
    ("flatten", (256,), 0, 0),
    ("conv", (256, 8, 8), 294_912, 18_874_368),
    ("gap", (256,), 0, 0),
    ("gap", (256,), 0, 0),
    ("lstm", (3, 256), 526_336, 1_572_864),
]
FULLY_CONNECTED = {  # by the length that goes into it
    256: [("linear", (256,), 65_792, 65_536), ("linear", (10,), 2_570, 2_560)],
    512: [("linear", (256,), 131_328, 131_072), ("linear", (10,), 2_570, 2_560)],
    768: [("linear", (256,), 196_864, 196_608), ("linear", (10,), 2_570, 2_560)],
}


def doubled(layers: list[tuple[str, tuple[int, ...], int, int]]) -> list[object]:
    """Return VGG-2's layers: each stage's second convolution three times."""
    found: list[object] = []
    for index, layer in enumerate(layers):
        second = index and layer[0] == "conv" and layers[index - 1][0] == "conv"
        found += [layer] * (3 if second else 1)
    return found


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("vgg1", VGG1_BACKBONE + VGG_HEAD),
        ("vgg1_ra", VGG1_BACKBONE + VGG_NODES + FULLY_CONNECTED[256]),
        ("vgg2", doubled(VGG1_BACKBONE) + VGG_HEAD),
        ("vgg2_ra", doubled(VGG1_BACKBONE) + VGG_NODES + FULLY_CONNECTED[256]),
        ("resnet", [*RESNET_BACKBONE, ("gap", (256,), 0, 0), *FULLY_CONNECTED[256]]),
        ("resnet_ra", RESNET_BACKBONE + RESNET_NODES + FULLY_CONNECTED[256]),
        ("resnet_ra_b", RESNET_BACKBONE + RESNET_NODES + FULLY_CONNECTED[512]),
        ("resnet_ra_c", RESNET_BACKBONE + RESNET_NODES + FULLY_CONNECTED[768]),
    ],
)
def test_layers(name: str, wanted: list[object]) -> None:
    assert list(layers(network(name))) == wanted


@pytest.mark.parametrize("name", AGGREGATING)
def test_taps(name: str) -> None:
    found = network(name)
    c = 256 if name.startswith("resnet") else 512
    shapes = [(c // 4, 32, 32), (c // 2, 16, 16), (c, 8, 8)]
    assert [found.by_id[tap.node].shape for tap in found.taps] == shapes
    assert [tap.path for tap in found.taps] == ["s1.b1", "s2.b2", "s3.b3"]
    assert [tap.level for tap in found.taps] == [Level.SHALLOW, Level.MIDDLE, Level.LAST]
    assert [tap.ratio for tap in found.taps] == [4, 2, 1]
    assert [found.by_id[tap.vector or ""].shape for tap in found.taps] == [(c,)] * 3
    assert found.by_id["map_s1_b1.conv"].shape == (c // 4, 16, 16)  # h w c = 2 * 2 * c / 4
    assert found.by_id["map_s1_b1.avgpool"].shape == (c // 4, 2, 2)
    assert found.by_id["lstm"].inputs == tuple(tap.vector for tap in found.taps)


def test_taps_stand_behind_the_last_operator_of_their_block() -> None:
    ends = {tap.path: tap.node for tap in network("resnet_ra").taps}
    assert ends == {
        "s1.b1": "backbone.s1.b1.basic.9.relu",
        "s2.b2": "backbone.s2.b2.basic2.8.relu",
        "s3.b3": "backbone.s3.b3.basic2.8.relu",
    }


def test_residual_units_have_no_projection() -> None:
    assert all(n.arguments["k"] == (3, 3) for n in network("resnet").nodes if n.op == "conv")
    padded = [n for n in network("resnet").nodes if n.op == "pad_channels"]
    assert [n.shape for n in padded] == [(128, 16, 16), (256, 8, 8)]


@pytest.mark.parametrize("name", NETWORKS)
def test_no_convolution_has_a_bias_and_each_is_normalised(name: str) -> None:
    found = network(name)
    convolutions = [n for n in found.nodes if n.op == "conv"]
    normalised = {i for n in found.nodes if n.op == "batchnorm" for i in n.inputs}
    assert all(not n.arguments["bias"] and n.id in normalised for n in convolutions)


# --- "without any modification on the original structure"


@pytest.mark.parametrize("name", AGGREGATING)
def test_the_plain_network_is_extended_and_its_backbone_not_mentioned(name: str) -> None:
    text = (SPECS / f"{name}.arch").read_text()
    plain = name.split("_")[0]
    assert "backbone" not in text and "stage" not in text and "block " not in text
    assert f'from "{plain}.arch" import' in text and " extends " in text


@pytest.mark.parametrize("name", AGGREGATING)
def test_the_backbone_is_that_of_the_plain_network(name: str) -> None:
    plain, found = network(name.split("_")[0]), network(name)
    kept = {n.id for n in found.nodes}
    before = [n for n in plain.inside("backbone") if n.id in kept or n.params]
    assert found.inside("backbone") == before
    blocks = [r.path for r in plain.regions if r.kind is RegionKind.BLOCK]
    assert [r.path for r in found.regions if r.kind is RegionKind.BLOCK] == blocks


# --- the paper's other readings, as far as the language expresses them

PROJECTED = """
from std.blocks import BasicProjected, ConvBNReLU
model Projected(classes = 10, n = 10) {
  input [3, 32, 32]
  backbone {
    stage s1 { block b1 { ConvBNReLU(64) -> BasicProjected(64) * n } -> tap }
    stage s2 { block b2 { BasicProjected(128, 2) -> BasicProjected(128) * (n - 1) } -> tap }
    stage s3 { block b3 { BasicProjected(256, 2) -> BasicProjected(256) * (n - 1) } -> tap }
  }
  %s
}
"""
PROJECTED_RA = (
    "aggregate lstm(hidden = 256) { readout %s }\n  head { linear(256) -> relu -> linear(classes) }"
)
EXTENDING = """
from "%s.arch" import %s
model Variant extends %s {
  %s
  head { %slinear(256) -> relu -> linear(classes) }
}
"""
GAP_HEAD = """
from "%s.arch" import %s
model Variant extends %s {
  head { gap -> linear(1024) -> relu -> linear(1024) -> relu -> linear(classes) }
}
"""


def extending(base: str, name: str, overrides: str) -> str:
    clause = f"aggregate lstm(hidden = 256) {{ {overrides} }}"
    return EXTENDING % (base, name, name, clause, "")


BARE = "map shallow { norm = none; act = none }; map middle { norm = none; act = none }"


@pytest.mark.parametrize(
    ("text", "params", "macs"),
    [
        (GAP_HEAD % ("vgg1", "VGG1", "VGG1"), 6_163_338, 609_101_824),
        (GAP_HEAD % ("vgg2", "VGG2", "VGG2"), 12_360_074, 1_515_071_488),
        (
            PROJECTED % "head { gap -> linear(256) -> relu -> linear(classes) }",
            15_244_106,
            2_233_207_296,
        ),
        (PROJECTED % (PROJECTED_RA % "last"), 16_082_378, 2_253_654_528 + 4_194_304),
        (PROJECTED % (PROJECTED_RA % "last_and_feature"), 16_147_914, 2_253_720_064 + 4_194_304),
        (PROJECTED % (PROJECTED_RA % "all"), 16_213_450, 2_253_785_600 + 4_194_304),
        (extending("vgg1", "VGG1", "map middle { kernel = 2 }"), 6_026_122, 660_277_760),
        (extending("vgg2", "VGG2", "map middle { kernel = 2 }"), 12_222_858, None),
        (extending("resnet", "ResNet", "map middle { kernel = 2 }"), 15_876_810, 2_243_168_768),
        (extending("vgg1", "VGG1", BARE), 6_680_842, 702_220_800),
        (extending("vgg2", "VGG2", BARE), 12_877_578, 1_608_190_464),
        (extending("resnet", "ResNet", BARE), 16_040_330, 2_253_654_528),
        (extending("vgg1", "VGG1", "readout last_and_feature"), 6_812_554, 702_351_872),
        (extending("vgg1", "VGG1", "readout all"), 6_812_554, 702_351_872),
        (extending("vgg2", "VGG2", "readout last_and_feature"), 13_009_290, 1_608_321_536),
        (extending("vgg2", "VGG2", "readout all"), 13_009_290, 1_608_321_536),
    ],
    ids=(
        "vgg1-gap vgg2-gap projected projected-ra projected-ra-b projected-ra-c vgg1-middle-2x2"
        " vgg2-middle-2x2 resnet-middle-2x2 vgg1-bare vgg2-bare resnet-bare vgg1-ra-b vgg1-ra-c"
        " vgg2-ra-b vgg2-ra-c"
    ).split(),
)
def test_alternatives(tmp_path: Path, text: str, params: int, macs: int | None) -> None:
    found = written(tmp_path, text)
    assert found.params == params
    assert macs is None or found.macs == macs


def test_projections_cost_what_the_paper_leaves_out(tmp_path: Path) -> None:
    head = "head { gap -> linear(256) -> relu -> linear(classes) }"
    projected = written(tmp_path, PROJECTED % head)
    assert projected.params - network("resnet").params == 41_728  # 768 of them batch norms'
    assert projected.macs - network("resnet").macs == 4_194_304
    assert projected.network.convolutions == 63


@pytest.mark.parametrize(("text", "n"), [("vgg1", 100), ("vgg2", 100)])
def test_vgg_b_and_c_have_one_count_with_100_classes(tmp_path: Path, text: str, n: int) -> None:
    name = text.upper()
    counts = set()
    for readout in ("last_and_feature", "all"):
        written(tmp_path, extending(text, name, f"readout {readout}"))
        found = compile(tmp_path / "variant.arch", classes=n)
        counts.add((found.params, found.macs))
    wanted = {"vgg1": (6_835_684, 702_374_912), "vgg2": (13_032_420, 1_608_344_576)}[text]
    assert counts == {wanted}


@pytest.mark.parametrize(("channels", "wanted"), [(512, 788_480), (256, 526_336)])
def test_lstm_oracle(tmp_path: Path, channels: int, wanted: int) -> None:
    text = f"""arch 1
model Small {{
  input [1, 4, 4]
  backbone {{ stage s {{ block b {{ conv(4) -> conv({channels}) }} -> tap }} }}
  aggregate lstm(hidden = 256)
}}
"""
    spec = tmp_path / "small.arch"
    spec.write_text(text)
    lstm = compile(spec).network.by_id["lstm"]
    assert lstm.params == wanted == 4 * 256 * (channels + 256) + 2 * 4 * 256
    assert lstm.macs == 4 * 256 * (channels + 256)
    assert prod(lstm.shape) == 256
