"""A trained network as an ONNX file, for any number of images at a time.

It is written with torch's exporter, read again by onnx's checker, and run beside the module by
onnxruntime, before the file has its name.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch  # noqa: TID251
from torch import Tensor, nn  # noqa: TID251

from archdsl.training import trained_messages as messages
from archdsl.training.export_parity import INPUT, OUTPUT, Parity, parity_of
from archdsl.training.trained import Trained
from archdsl.training.writing import check_writable, replace_file

OPSET = 18
"""The version of ONNX's operators: the oldest that torch's exporter writes, so the widest known."""


@dataclass(frozen=True)
class Exported:
    """What was written: its size in bytes, and how near the module it is, by number of images."""

    path: Path
    size: int
    parity: dict[int, Parity]
    metadata: dict[str, str]


class _Scaled(nn.Module):  # type: ignore[misc]
    """The network behind the scaling of its images, which come in 0 to 1."""

    def __init__(self, network: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).reshape(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, -1, 1, 1))

    def forward(self, images: Tensor) -> Any:
        return self.network((images - self.mean) / self.std)


def require_onnx() -> None:
    """Raise Fault ARCH618, naming the packages, if one is missing."""
    names = ("onnx", "onnxruntime", "onnxscript")
    if missing := [name for name in names if find_spec(name) is None]:
        raise messages.packages_missing("exporting to ONNX", missing, "onnx")


def export(trained: Trained, path: Path, *, normalise: bool = False) -> Exported:
    """Write the network to ``path``: float32 images [N, C, H, W] to logits [N, classes], any N.

    Images are those that the module takes: (x / 255 - mean) / std, mean and std per channel in the
    file's metadata. With ``normalise`` that is done inside, and images are x / 255. Raises Fault
    ARCH618 without the packages, ARCH658 and ARCH659 where the network cannot be exported or the
    file computes something else, ARCH615 and ARCH616 where it cannot be written; nothing is then.
    """
    require_onnx()
    if path.suffix.lower() != ".onnx":
        raise messages.not_onnx(path)
    check_writable(path.parent)  # exporting takes seconds
    network = trained.network.float().cpu().eval()
    module = _Scaled(network, trained.mean, trained.std).eval() if normalise else network
    metadata = metadata_of(trained, normalise=normalise)
    data = _converted(trained, module, metadata)
    parity = parity_of(data, module, trained.input, normalise=normalise)
    replace_file(path, data)
    return Exported(path, len(data), parity, metadata)


def metadata_of(trained: Trained, *, normalise: bool) -> dict[str, str]:
    """Return what the file says of itself: lists and objects are JSON."""
    facts = trained.recorded.facts
    scaled = "x / 255" if normalise else "(x / 255 - mean) / std"
    return {
        "written_by": "archdsl",
        "model": trained.recorded.name,
        "identity": str(facts["identity"]),
        "source_sha256": str(facts["source_sha256"]),
        "spec_sha256": json.dumps(facts.get("spec_sha256"), sort_keys=True),
        "data": str(facts["data"]["name"]),
        "data_sha256": str(facts["data"].get("sha256")),
        "weights": trained.which,
        "epoch": str(trained.epoch),
        **({"smoke_run": "true"} if trained.recorded.is_smoke else {}),
        "test_accuracy": json.dumps(trained.metrics.get("test_accuracy")),
        "classes": json.dumps(trained.class_names),
        "mean": json.dumps(trained.mean),
        "std": json.dumps(trained.std),
        "images": f"float32 [N, {', '.join(map(str, trained.input))}]: {scaled}",
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Return a context in which the exporter says nothing of its own workings."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _converted(trained: Trained, module: nn.Module, metadata: dict[str, str]) -> bytes:
    """Return the file's bytes, checked by onnx's own rules."""
    import onnx

    name = trained.recorded.name
    example = torch.zeros(2, *trained.input)
    batch = torch.export.Dim("batch", min=1)
    try:
        with _quiet():
            program = torch.onnx.export(
                module,
                (example,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: batch},),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
        assert program is not None
        proto = program.model_proto
    # The exporter's errors are of many kinds, and wrap those of torch.export.
    except Exception as error:
        cause = error.__cause__ or error
        first = (str(cause) or type(cause).__name__).strip().splitlines()[0]
        raise messages.not_exported(name, first) from error
    _bare(proto)
    onnx.helper.set_model_props(proto, metadata)
    try:
        data: bytes = proto.SerializeToString(deterministic=True)
        onnx.checker.check_model(data, full_check=True)
    except ValueError as error:  # protobuf's, above 2 GB
        raise messages.not_exported(name, str(error)) from error
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise messages.malformed(str(error).splitlines()[0]) from error
    return data


def _bare(proto: Any) -> None:
    """Take out what the exporter notes for its authors: traces with paths of this machine."""
    graph = proto.graph
    del proto.metadata_props[:]
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
