"""What an emitted module must do as a PyTorch module, beyond computing the right numbers."""

from __future__ import annotations

import ast
import copy
import hashlib
import importlib.util
import json
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import torch
from comparing import copied, images, same_bits, stir
from generation.specs import Spec, specs
from hypothesis import HealthCheck, Phase, given, seed, settings
from paper_networks import AGGREGATING, BESIDES, NETWORKS, PLAIN
from torch import nn

from archdsl import Compiled, SpecFault, compile
from archdsl.ir import RegionKind

Get = Callable[[str], Compiled]
Texts = dict[str, tuple[object, str]]  # by name: what it was emitted from, and the text
EVERY = NETWORKS + AGGREGATING + BESIDES
QUICK = ["vgg1", "resnet", "vgg1_ra", "resnet_ra", "vgg1_ra_b", "vgg1_ra_c"]  # every construct
TRACED = QUICK + [pytest.param(n, marks=pytest.mark.slow) for n in EVERY if n not in QUICK]
WITH_LSTM = AGGREGATING + BESIDES


def built(compiled: Compiled, *, training: bool = False) -> nn.Module:
    """Return a module whose statistics differ from those of a fresh one."""
    torch.manual_seed(0)
    module = compiled.build()
    stir(module)
    return module.train(training)


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


# --- gradients


@pytest.mark.parametrize("name", EVERY)
def test_every_parameter_receives_a_gradient(name: str, whole: Get, narrow: Get) -> None:
    compiled = narrow(name) if name in BESIDES else whole(name)
    torch.manual_seed(0)
    module = compiled.build().train()
    logits = module(images(compiled.network, 2))
    nn.functional.cross_entropy(logits, torch.tensor([1, 7])).backward()
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert parameter.grad.count_nonzero() > 0, key


@pytest.mark.parametrize("base", ["vgg1", "vgg2"])
def test_b_and_c_differ_though_their_counts_are_equal(base: str, narrow: Get) -> None:
    b, c = narrow(f"{base}_ra_b"), narrow(f"{base}_ra_c")
    assert (b.params, b.macs) == (c.params, c.macs)
    assert b.network.identity != c.network.identity
    first, second = built(b), built(c)
    shapes = {k: v.shape for k, v in first.state_dict().items()}
    assert shapes == {k: v.shape for k, v in second.state_dict().items()}
    second.load_state_dict(first.state_dict())
    x = images(b.network, 2)
    with torch.no_grad():
        assert not torch.equal(first(x), second(x))


# --- the backbone is that of the plain network


def tapped(module: nn.Module, x: torch.Tensor, paths: list[str]) -> dict[str, torch.Tensor]:
    """Run a module; return what the submodules of these paths gave."""
    found: dict[str, torch.Tensor] = {}
    hooks = [
        module.get_submodule(path).register_forward_hook(
            lambda _, __, output, path=path: found.__setitem__(path, output)
        )
        for path in paths
    ]
    with torch.no_grad():
        module(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", AGGREGATING)
def test_the_backbone_computes_what_the_plain_one_does(
    name: str, training: bool, whole: Get
) -> None:
    plain, compiled = whole(PLAIN[name]), whole(name)
    left, right = built(plain, training=training), built(compiled, training=training)
    of_backbone = {k: v for k, v in left.state_dict().items() if k.startswith("backbone.")}
    others = {k: v for k, v in right.state_dict().items() if k.startswith("backbone.")}
    assert list(of_backbone) == list(others)
    assert {k: v.shape for k, v in of_backbone.items()} == {k: v.shape for k, v in others.items()}
    missing, unexpected = right.load_state_dict(of_backbone, strict=False)
    assert not unexpected and not any(key.startswith("backbone.") for key in missing)
    blocks = [r.path for r in plain.network.regions if r.kind is RegionKind.BLOCK]
    x = images(plain.network, 2)
    before, after = tapped(left, x, blocks), tapped(right, x, blocks)
    assert list(before) == list(after) == blocks
    assert all(same_bits(before[path], after[path]) for path in blocks)


def test_the_backbone_of_resnet_ends_where_its_last_block_does(whole: Get) -> None:
    plain, compiled = built(whole("resnet")), built(whole("resnet_ra"))
    compiled.load_state_dict(plain.state_dict(), strict=False)
    x = images(whole("resnet").network, 2)
    (output,) = tapped(plain, x, ["backbone"]).values()
    (block,) = tapped(compiled, x, ["backbone.s3.b3"]).values()
    assert same_bits(output, block)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", WITH_LSTM)
def test_tapped_tensors_are_not_changed_in_place(name: str, training: bool, narrow: Get) -> None:
    compiled = narrow(name)
    module = built(compiled, training=training)
    seen: dict[str, tuple[torch.Tensor, torch.Tensor, int]] = {}

    def keep(path: str, output: torch.Tensor) -> None:
        seen[path] = (output, output.clone(), output._version)

    for tap in compiled.network.taps:
        module.get_submodule(tap.block).register_forward_hook(
            lambda _, __, output, path=tap.path: keep(path, output)
        )
    module(images(compiled.network, 3))
    assert list(seen) == [tap.path for tap in compiled.network.taps]
    for path, (now, then, version) in seen.items():
        assert now._version == version, path
        assert same_bits(now, then), path


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


def values(module: nn.Module) -> list[torch.Tensor]:
    return list(copied(module).values())


# --- the text

HASHES = """
import hashlib, json, sys
from archdsl import compile
found = {}
for path, model, parameters in json.load(sys.stdin):
    source = compile(path, model, **parameters).source
    found[path] = hashlib.sha256(source.encode()).hexdigest()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Spec, Compiled]]:
    """Compile generated specs."""
    folder = tmp_path_factory.mktemp("generated")
    found: dict[Spec, tuple[Path, Compiled]] = {}

    @settings(
        max_examples=120,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @seed(1234)
    @given(specs())
    def collect(spec: Spec) -> None:
        if spec in found:
            return
        path = spec.write(folder / str(len(found)))
        try:
            found[spec] = path, compile(path, spec.model, **spec.parameters)
        except SpecFault:
            return

    collect()
    return [(path, spec, compiled) for spec, (path, compiled) in found.items()]


def test_text_does_not_depend_on_the_process(
    folder: Path, generated: list[tuple[Path, Spec, Compiled]]
) -> None:
    wanted = [(str(folder / f"{name}.arch"), None, {}) for name in EVERY]
    wanted += [(str(path), spec.model, spec.parameters) for path, spec, _ in generated[-40:]]
    runs = []
    for hash_seed in ("0", "4242"):
        result = subprocess.run(
            [sys.executable, "-c", HASHES],
            input=json.dumps(wanted),
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        runs.append(json.loads(result.stdout))
    assert runs[0] == runs[1]
    for path, spec, compiled in generated[-40:]:
        here = hashlib.sha256(compiled.source.encode()).hexdigest()
        assert runs[0][str(path)] == here, spec


LONG = """arch 1
model AVeryLongNameForAModelThatStillIsAName {
  input [2, 16, 16]
  backbone {
    stage first_with_a_long_name {
      block first_block { conv(4) -> conv(4) } -> tap
      block second_block { conv(4) -> conv(4) } -> tap -> maxpool(2)
    }
    stage second_with_a_long_name {
      block third_block { conv(4) -> conv(4) } -> tap
      block fourth_block { conv(4) -> conv(4) } -> tap -> maxpool(2)
    }
    stage third_with_a_long_name { block fifth_block { conv(8) -> conv(8) } -> tap }
  }
  aggregate lstm(hidden = 3)
}
"""


@pytest.fixture(scope="module", params=["networks", "long names", "generated"])
def texts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Texts:
    """Emitted texts, and what they were emitted from."""
    if request.param == "generated":
        generated = request.getfixturevalue("generated")
        return {f"g{i}": (spec, compiled.source) for i, (_, spec, compiled) in enumerate(generated)}
    if request.param == "long names":
        path = tmp_path_factory.mktemp("long") / "long.arch"
        path.write_text(LONG)
        return {"long": ("long names", compile(path).source)}
    whole, narrow = request.getfixturevalue("whole"), request.getfixturevalue("narrow")
    found: Texts = {name: (name, whole(name).source) for name in EVERY}
    return found | {f"narrow_{name}": (name, narrow(name).source) for name in EVERY}


def test_no_line_is_long(texts: Texts) -> None:
    for spec, text in texts.values():
        long = [line for line in text.splitlines() if len(line) > 100]
        assert not long, (long, spec)
        assert text.isascii() and text.endswith("\n") and "\t" not in text


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check", "--diff"]], ids=" ".join)
def test_ruff_is_content(arguments: list[str], texts: Texts, tmp_path: Path) -> None:
    for name, (_, text) in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    ruff = Path(sys.executable).parent / "ruff"
    command = [str(ruff), *arguments, "--isolated", "--no-cache", "--line-length", "100", "."]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_class_is_documented_and_torch_alone_imported(
    texts: Texts,
) -> None:
    for spec, text in texts.values():
        tree = ast.parse(text)
        assert ast.get_docstring(tree), spec
        for part in ast.walk(tree):
            if isinstance(part, ast.ClassDef | ast.FunctionDef) and part.name != "__init__":
                documented = ast.get_docstring(part) or part.name == "forward"
                assert documented, (part.name, spec)
            if isinstance(part, ast.Import):
                roots = {alias.name.partition(".")[0] for alias in part.names}
                assert roots == {"torch"}, spec
            if isinstance(part, ast.ImportFrom):
                assert (part.module or "").partition(".")[0] in ("torch", "collections"), spec


def test_every_line_of_forward_shows_shapes(whole: Get) -> None:
    """Beside each statement of the model's own forward stands a shape of what it computes."""
    text = whole("vgg1_ra").source
    lines = text[text.rindex("def forward") :].splitlines()
    for before, line in pairwise(lines):
        above = before.strip() if before.strip().startswith("# [") else ""  # where it is too long
        assert "# [" in line or above, line


def test_repeats_are_not_unrolled(whole: Get) -> None:
    """Ten units of a residual stage take one line, as they do in the spec."""
    short = len(whole("resnet").source.splitlines())
    assert short < 200
    assert whole("resnet").source.count("Basic(") < 12


def test_one_class_a_definition(whole: Get) -> None:
    classes = [
        part.name
        for part in ast.parse(whole("resnet_ra").source).body
        if isinstance(part, ast.ClassDef)
    ]
    assert classes.count("Basic") == 1 and classes.count("ConvBNReLU") == 1
    assert classes[-1] == "ResNet_RA"


# --- initialisation


@pytest.mark.parametrize("name", ["vgg1_ra"])
def test_initialisation(name: str, whole: Get) -> None:
    torch.manual_seed(0)
    module = whole(name).build()
    for key, part in module.named_modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            weight = part.weight.detach()
            fan_in = weight[0].numel()
            spread = (2 / fan_in) ** 0.5  # Kaiming, for ReLU
            deviation = 4 / weight.numel() ** 0.5  # four standard errors
            assert abs(float(weight.mean())) < deviation * spread, key
            assert abs(float(weight.std()) / spread - 1) < deviation, key
            assert part.bias is None or not part.bias.any(), key
        elif isinstance(part, nn.BatchNorm2d):
            assert (part.weight == 1).all() and not part.bias.any(), key
    hidden = 256
    lstm = module.get_submodule("lstm").requires_grad_(False)
    for gate in lstm.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(hidden), rtol=0, atol=1e-4)
    limit = (6 / (lstm.weight_ih_l0.shape[1] + hidden)) ** 0.5  # Xavier, for each gate
    assert 0.99 * limit < float(lstm.weight_ih_l0.abs().max()) <= limit
    bias = (lstm.bias_ih_l0 + lstm.bias_hh_l0).chunk(4)
    assert [set(part.tolist()) for part in bias] == [{0.0}, {1.0}, {0.0}, {0.0}]


def test_initialisation_follows_the_seed(narrow: Get) -> None:
    weights = []
    for number in (0, 0, 1):
        torch.manual_seed(number)
        weights.append(values(narrow("resnet_ra").build()))
    assert all(same_bits(a, b) for a, b in zip(weights[0], weights[1], strict=True))
    assert not all(same_bits(a, b) for a, b in zip(weights[0], weights[2], strict=True))


def test_the_lstm_is_that_of_torch(narrow: Get) -> None:
    """Weights of nn.LSTM fit without renaming, and give the same states."""
    module = narrow("vgg1_ra").build()
    lstm = module.get_submodule("lstm")
    theirs = nn.LSTM(64, 32, batch_first=True)
    assert {k: v.shape for k, v in theirs.state_dict().items()} == {
        k: v.shape for k, v in lstm.state_dict().items()
    }
    lstm.load_state_dict(theirs.state_dict(), strict=True)
    vectors = torch.randn(5, 3, 64)
    with torch.no_grad():
        torch.testing.assert_close(lstm(vectors), theirs(vectors)[0], rtol=1e-5, atol=1e-6)


def test_building_warns_of_nothing(whole: Get) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole("resnet_ra_b").build()
