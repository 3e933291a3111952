"""The ways an emitted module is used: copied, stored, exported, compiled, moved, and without us."""

from __future__ import annotations

import copy
import importlib.util
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
import torch
from comparing import built, images, same_bits, stir, values
from paper_networks import EVERY

from archdsl import Compiled

Get = Callable[[str], Compiled]
QUICK = ["vgg1", "resnet", "vgg1_ra", "resnet_ra", "vgg1_ra_b", "vgg1_ra_c"]  # every construct
TRACED = QUICK + [pytest.param(n, marks=pytest.mark.slow) for n in EVERY if n not in QUICK]


@contextmanager
def imported(compiled: Compiled, folder: Path) -> Iterator[ModuleType]:
    """Import the emitted file as a module that Python knows by name."""
    path = folder / f"{compiled.module_name}.py"
    path.write_text(compiled.source)
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(compiled.module_name)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop(compiled.module_name, None)


# --- the ways a module is used


@pytest.mark.parametrize("name", EVERY)
def test_deepcopy(name: str, narrow: Get) -> None:
    module = built(narrow(name))
    x = images(narrow(name).network, 2)
    twin = copy.deepcopy(module)
    with torch.no_grad():
        assert same_bits(twin(x), module(x))
        for parameter in module.parameters():
            parameter.zero_()
        assert not same_bits(twin(x), module(x))


@pytest.mark.parametrize("name", EVERY)
def test_state_dict_round_trip(name: str, narrow: Get, tmp_path: Path) -> None:
    compiled = narrow(name)
    module, fresh = built(compiled), compiled.build().eval()
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True), strict=True)
    x = images(compiled.network, 2)
    with torch.no_grad():
        assert same_bits(module(x), fresh(x))


@pytest.mark.parametrize("name", EVERY)
def test_pickle(name: str, narrow: Get, tmp_path: Path) -> None:
    compiled = narrow(name)
    with imported(compiled, tmp_path) as file:
        module = getattr(file, compiled.class_name)().eval()
        stir(module)
        twin = pickle.loads(pickle.dumps(module))
        x = images(compiled.network, 2)
        with torch.no_grad():
            assert same_bits(twin(x), module(x))


@pytest.mark.parametrize("batch", [1, 64])
@pytest.mark.parametrize("name", EVERY)
def test_batch_sizes(name: str, batch: int, narrow: Get) -> None:
    compiled = narrow(name)
    module = built(compiled)
    x = images(compiled.network, batch)
    with torch.no_grad():
        logits = module(x)
        assert logits.shape == (batch, 10)
        torch.testing.assert_close(logits[:1], module(x[:1]), rtol=1e-4, atol=1e-4)


def test_a_batch_of_none(narrow: Get) -> None:
    with torch.no_grad():
        assert built(narrow("vgg1_ra"))(torch.empty(0, 3, 32, 32)).shape == (0, 10)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", TRACED)
def test_export_with_a_dynamic_batch(name: str, training: bool, narrow: Get) -> None:
    compiled = narrow(name)
    module = built(compiled, training=training)
    batch = torch.export.Dim("batch", min=2, max=512)
    exported = torch.export.export(
        module, (images(compiled.network, 4),), dynamic_shapes={"x": {0: batch}}
    ).module()
    x = images(compiled.network, 7)
    with torch.no_grad():
        torch.testing.assert_close(exported(x), copy.deepcopy(module)(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", TRACED)
def test_compile_without_a_graph_break(name: str, narrow: Get) -> None:
    compiled = narrow(name)
    module = built(compiled, training=True)
    twin = copy.deepcopy(module)
    torch._dynamo.reset()
    fast = torch.compile(twin, fullgraph=True, backend="aot_eager")
    x = images(compiled.network, 4)
    wanted, found = module(x), fast(x)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    wanted.sum().backward()
    found.sum().backward()
    for (key, a), b in zip(module.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(b.grad, a.grad, rtol=1e-3, atol=1e-2, msg=key)
    for (key, a), b in zip(module.named_buffers(), twin.buffers(), strict=True):
        torch.testing.assert_close(b, a, rtol=1e-4, atol=1e-4, msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg1_ra", "resnet_ra_b"])
@pytest.mark.filterwarnings("ignore")
def test_compile_with_inductor(name: str, narrow: Get) -> None:
    compiled = narrow(name)
    module = built(compiled)
    torch._dynamo.reset()
    x = images(compiled.network, 4)
    with torch.no_grad():
        found = torch.compile(module, fullgraph=True)(x)
        torch.testing.assert_close(found, module(x), rtol=1e-3, atol=1e-3)


# --- precision and devices


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", EVERY)
def test_precision(name: str, dtype: torch.dtype, narrow: Get) -> None:
    compiled = narrow(name)
    module = compiled.build().eval()
    x = images(compiled.network, 2)
    with torch.no_grad():
        wanted = module(x)
        found = module.to(dtype)(x.to(dtype))
    assert found.dtype == dtype and found.isfinite().all()
    tolerance = {torch.float64: 1e-4, torch.bfloat16: 0.3, torch.float16: 0.05}[dtype]
    spread = float(wanted.abs().max())
    assert float((found.float() - wanted).abs().max()) <= tolerance * spread


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_training_in_other_precisions(dtype: torch.dtype, narrow: Get) -> None:
    module = narrow("vgg1_ra").build().to(dtype)
    module(images(narrow("vgg1_ra").network, 4).to(dtype)).square().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == dtype for p in module.parameters())


@pytest.mark.parametrize("name", EVERY)
def test_autocast(name: str, narrow: Get) -> None:
    compiled = narrow(name)
    module = built(compiled, training=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = module(images(compiled.network, 4))
    assert logits.dtype == torch.bfloat16 and logits.isfinite().all()
    logits.float().sum().backward()
    assert all(p.grad is not None and p.grad.dtype == p.dtype for p in module.parameters())


@pytest.mark.parametrize("name", EVERY)
def test_meta_device(name: str, whole: Get) -> None:
    """Building and running on another device than the default: nothing is left behind on it."""
    compiled = whole(name)
    with torch.device("meta"):
        module = compiled.build()
    assert {t.device.type for t in module.state_dict().values()} == {"meta"}
    output = module(torch.empty(2, *compiled.network.input, device="meta"))
    assert output.device.type == "meta" and output.shape == (2, 10)


def test_moved_after_building(narrow: Get) -> None:
    module = narrow("resnet_ra_b").build().to("meta")
    assert module(torch.empty(2, 3, 32, 32, device="meta")).device.type == "meta"


def test_materialised_and_reset(narrow: Get) -> None:
    """A module that was built on meta can be given memory, and weights of another."""
    compiled = narrow("vgg1_ra")
    module = built(compiled)
    with torch.device("meta"):
        empty = compiled.build()
    empty = empty.to_empty(device="cpu").eval()
    empty.load_state_dict(module.state_dict())
    x = images(compiled.network, 2)
    with torch.no_grad():
        assert same_bits(empty(x), module(x))


# --- the file on its own

ALONE = """
import importlib.abc, importlib.util, json, sys

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"archdsl", "lark", "pydantic", "typer", "rich"}:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
        return None

sys.meta_path.insert(0, Block())
try:
    import archdsl
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("the block does not block")
import torch
path, name, *shape = sys.argv[1:]
spec = importlib.util.spec_from_file_location("emitted", path)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
net = getattr(module, name)()
print(list(net(torch.randn(2, *map(int, shape))).shape), sum(p.numel() for p in net.parameters()))
loaded = {key.partition(".")[0] for key in sys.modules}
print(sorted(loaded & {"archdsl", "lark", "pydantic", "typer", "rich"}))
"""


@pytest.mark.parametrize("name", ["vgg1_ra", "resnet_ra_c"])
def test_it_runs_where_nothing_of_the_compiler_is(name: str, narrow: Get, tmp_path: Path) -> None:
    compiled = narrow(name)
    path = tmp_path / "net.py"
    path.write_text(compiled.source)
    shape = [str(n) for n in compiled.network.input]
    result = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(path), compiled.class_name, *shape],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n")[:2] == [f"[2, 10] {compiled.params}", "[]"]


def test_build_and_the_file_are_the_same(narrow: Get, tmp_path: Path) -> None:
    compiled = narrow("vgg2_ra")
    with imported(compiled, tmp_path) as file:
        torch.manual_seed(3)
        of_file = getattr(file, compiled.class_name)()
    torch.manual_seed(3)
    of_build = compiled.build()
    assert of_build.training and type(of_build).__name__ == compiled.class_name
    assert all(same_bits(a, b) for a, b in zip(*map(values, (of_file, of_build)), strict=True))
