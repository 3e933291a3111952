"""What of the options a machine can do, and how a refusal reads."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
import torch

from archdsl.training import Fault, precision
from archdsl.training.distributed import World, world
from archdsl.training.options import Options, Resolved
from archdsl.training.precision import arithmetic, resolve

CPU = torch.device("cpu")
CUDA = torch.device("cuda", 0)


@pytest.fixture(params=[True, False], ids=["native", "emulated"])
def native(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: request.param)
    return bool(request.param)


def test_auto_on_a_cpu(native: bool) -> None:
    wanted = "bfloat16" if native else "float32"
    assert resolve(Options(), CPU) == Resolved("eager", wanted, "local", False, 1)


def test_auto_on_cuda(native: bool) -> None:
    assert resolve(Options(), CUDA).engine == "graph"
    assert resolve(Options(), CUDA, World(0, 2)).engine == "eager"


@pytest.mark.parametrize(
    ("options", "device", "size", "code", "reason"),
    [
        (Options(engine="graph"), CPU, 1, "ARCH630", "cpu is not a CUDA device"),
        (Options(engine="graph"), CUDA, 2, "ARCH630", "a graph holds one process"),
        (Options(bn="sync"), CPU, 1, "ARCH632", "works on CUDA devices only"),
    ],
)
def test_what_is_not_to_be_had(
    options: Options, device: torch.device, size: int, code: str, reason: str, native: bool
) -> None:
    with pytest.raises(Fault, match=reason) as caught:
        resolve(options, device, World(0, size))
    assert caught.value.diagnostic.code == code and caught.value.status == 2
    assert caught.value.diagnostic.help


def test_bfloat16_where_it_is_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: False)
    with pytest.raises(Fault, match="emulation is slower") as caught:
        resolve(Options(precision="bfloat16"), CPU)
    assert caught.value.diagnostic.code == "ARCH631"
    assert resolve(Options(precision="float64"), CPU).precision == "float64"


def test_the_probe_asks_the_hardware() -> None:
    assert isinstance(precision.has_bfloat16(CPU), bool)
    assert not precision.has_bfloat16(torch.device("meta"))


def test_settings_of_torch_are_put_back() -> None:
    def settings() -> tuple[bool, ...]:
        return (
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.allow_tf32,
            torch.backends.cuda.matmul.allow_tf32,
            torch.are_deterministic_algorithms_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
        )

    before = settings()
    for deterministic in (True, False):
        with arithmetic(Resolved("eager", "float32", "local", deterministic)):
            inside = settings()
            assert inside[:4] == (not deterministic, deterministic, False, False)
            assert inside[4] == deterministic
        assert settings() == before


@pytest.mark.parametrize(
    ("rank", "size", "local"), [("2", "2", "0"), ("x", "2", "0"), ("0", "0", "0"), ("0", "2", "1")]
)
def test_an_environment_that_contradicts_itself(
    rank: str, size: str, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("RANK", rank), ("WORLD_SIZE", size), ("LOCAL_RANK", local)):
        monkeypatch.setenv(name, value)
    with pytest.raises(Fault, match=f"RANK={rank}, WORLD_SIZE={size}") as caught:
        world()
    assert caught.value.diagnostic.code == "ARCH637"


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 16, 17])
def test_shares_are_a_partition(size: int, count: int) -> None:
    shares = [World(rank, size).share(count) for rank in range(size)]
    lengths = [end - start for start, end in shares]
    assert shares[0][0] == 0 and shares[-1][1] == count
    assert all(a[1] == b[0] for a, b in pairwise(shares))
    assert max(lengths) - min(lengths) <= 1
    assert count == 0 or lengths[0] > 0


def test_the_engine_needs_no_compiler() -> None:
    """Emitted modules are trained on machines that have torch and little else."""
    code = (
        "import sys\n"
        "for name in ('lark', 'pydantic', 'typer'): sys.modules[name] = None\n"
        "import archdsl.training.engine, archdsl.backends.pytorch.execution"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
