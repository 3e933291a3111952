"""Networks as JSON, and what their identity depends on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import archdsl
from archdsl.ir.laws import check_laws
from archdsl.ir.naming import MODULE_ATTRIBUTES
from archdsl.ir.serialization import read_network

ROOT = Path(__file__).parent.parent.parent
SPECS = sorted((ROOT / "specs").glob("*.arch"))

PLAIN = """arch 1
model Net(classes = 10) {
  input [3, 16, 16]
  backbone {
    stage s1 { block b1 { conv(8) -> relu -> conv(8) -> relu } -> tap -> maxpool(2) }
    stage s2 { block b2 { conv(16) -> relu -> conv(16) -> relu } -> tap }
  }
  head { gap -> linear(classes) }
}
"""


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: p.stem)
def test_json_round_trip(spec: Path) -> None:
    network = archdsl.compile(spec).network
    again = read_network(network.to_json())
    assert (again.nodes, again.regions, again.taps) == (
        network.nodes,
        network.regions,
        network.taps,
    )
    assert again.recipes == network.recipes
    assert again.identity == network.identity


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: p.stem)
def test_laws(spec: Path) -> None:
    from archdsl.backends.pytorch.plan import REGISTRY

    check_laws(archdsl.compile(spec).network, REGISTRY)


def test_json_says_what_the_network_is() -> None:
    document = json.loads(archdsl.compile(ROOT / "specs" / "vgg1_ra.arch").network.to_json())
    assert document["params"] == 6_681_482 and document["macs"] == 702_220_800
    taps = [(t["path"], t["level"], t["ratio"]) for t in document["taps"]]
    assert taps == [("s1.b1", "shallow", 4), ("s2.b2", "middle", 2), ("s3.b3", "last", 1)]
    conv = next(n for n in document["nodes"] if n["op"] == "conv")
    assert conv["id"] == "backbone.s1.b1.conv_bn_relu.0.conv"
    assert conv["shape"] == [128, 32, 32] and conv["stride"] == [1, 1]
    # The chain of uses: the def's own text, then where it is used.
    assert [place.split("/")[-1].split(":")[0] for place in conv["source"]] == [
        "blocks.arch",
        "vgg1.arch",
    ]
    assert [conv["inputs"][0], conv["id"]] in document["edges"]


def test_a_damaged_document_is_refused() -> None:
    text = archdsl.compile(ROOT / "specs" / "vgg1.arch").network.to_json()
    with pytest.raises(ValueError):
        read_network("{}")
    with pytest.raises(ValueError, match="identity"):
        read_network(
            text.replace('"stride": [\n    2', '"stride": [\n    3', 1).replace("128", "64")
        )


def test_taps_change_nothing_without_an_aggregate_clause(tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(PLAIN)
    tapped = archdsl.compile(tmp_path / "net.arch").source
    (tmp_path / "net.arch").write_text(PLAIN.replace(" -> tap", ""))
    assert archdsl.compile(tmp_path / "net.arch").source == tapped


def test_identity_is_of_what_is_computed(tmp_path: Path) -> None:
    path = tmp_path / "net.arch"

    def identity(text: str) -> str:
        path.write_text(text)
        return archdsl.compile(path).network.identity

    first = identity(PLAIN)
    assert identity(PLAIN.replace("model", "# a comment\n\nmodel")) == first
    assert identity(PLAIN.replace("conv(8) ->", "conv(c = 8, k = 3) ->")) == first
    assert identity(PLAIN.replace("conv(16)", "conv(24)")) != first
    assert identity(PLAIN.replace("maxpool(2)", "avgpool(2)")) != first


def test_output_is_the_same_under_any_hash_seed() -> None:
    code = (
        "import archdsl; c = archdsl.compile('specs/resnet_ra.arch'); "
        "print(c.source); print(c.network.to_json())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1


def test_reserved_attributes_are_those_of_torch() -> None:
    from torch import nn

    public = {name for name in dir(nn.Module()) if not name.startswith("_")}
    assert public <= MODULE_ATTRIBUTES
