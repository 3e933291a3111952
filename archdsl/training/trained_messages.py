"""The wording of faults of a trained network that is to be used: ARCH655 to ARCH659 and others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from archdsl.diagnostics import Diagnostic
from archdsl.diagnostics.escaping import visible
from archdsl.training.engine_messages import first_line
from archdsl.training.faults import Fault


def _fault(code: str, message: str, *notes: str, help: str) -> Fault:
    return Fault(Diagnostic(code, message, notes=notes, help=help), 2)


def no_weights(folder: Path, status: str, which: str) -> Fault:
    """ARCH655: a run that is not finished, or that has kept no checkpoint of its best epoch."""
    where, go_on = visible(str(folder)), f"go on with it: archdsl resume {visible(str(folder))}"
    is_finished = status == "finished"
    if which == "best":
        return _fault(
            "ARCH655",
            f"{where} has kept no checkpoint of its best epoch",
            help="leave --best out, for the final weights" if is_finished else go_on,
        )
    return _fault(
        "ARCH655",
        f"{where} has no weights: the run is {status}",
        help="restore weights.safetensors, or train it again" if is_finished else go_on,
    )


def altered(path: Path, reason: str) -> Fault:
    """ARCH656: a file of a run that is damaged, or not the one that the run has written."""
    return _fault(
        "ARCH656",
        f"{visible(str(path))} is not what the run has written: {visible(reason)}",
        help="restore the run's folder from a copy, or train it again",
    )


def other_data(folder: Path, found: str, wanted: str, title: str) -> Fault:
    """ARCH657: images or labels that are not those of the run."""
    return _fault(
        "ARCH657",
        f"the data are not those of {visible(str(folder))}, which was trained on {title}",
        f"the SHA-256 of what was read begins with {found[:12]}, the recorded one with "
        f"{wanted[:12]}",
        help="give the folder of the run's data as --data, or add --other-data for these",
    )


def inexact(
    difference: float, batch: int, file: float, module: float, *, allowed: float, factor: int
) -> Fault:
    """ARCH658: an exported network that computes something else than the module.

    ``allowed`` is the largest difference, ``factor`` how many times as far from float64 as the
    module the file may be otherwise.
    """
    largest = f"{allowed:g}".replace("e-0", "e-")
    return _fault(
        "ARCH658",
        f"the exported network differs from the module by {difference:.3g} at batch {batch}",
        f"from the values in float64 the file is {file:.3g} away, and the module {module:.3g}; "
        "nothing was written",
        f"allowed is {largest}, or a file at most {factor} times as far from float64 as the module",
        help="install other versions: pip install --upgrade onnx onnxruntime onnxscript",
    )


def malformed(reason: str) -> Fault:
    """ARCH658: an exported network that its own format's checker, or runtime, refuses."""
    return _fault(
        "ARCH658",
        f"the exported network is not well formed: {visible(reason)}",
        "nothing was written",
        help="install other versions: pip install --upgrade onnx onnxruntime onnxscript",
    )


def not_exported(name: str, reason: str) -> Fault:
    """ARCH659: the exporter refuses something of the network."""
    return _fault(
        "ARCH659",
        f"{name} could not be exported: {visible(reason)}",
        "nothing was written",
        help="the run's model.py and weights.safetensors are all that PyTorch needs",
    )


def not_onnx(path: Path) -> Fault:
    """ARCH659: a file whose ending is not ONNX's."""
    return _fault(
        "ARCH659",
        f"{visible(str(path))} does not end in .onnx",
        help=f"write --onnx {visible(str(path.with_suffix('.onnx')))}",
    )


def out_of_memory(device: str, error: BaseException) -> Fault:
    """ARCH638: a device whose memory an evaluation does not fit into."""
    return _fault(
        "ARCH638",
        f"{device} has not enough memory for this evaluation",
        f"torch says: {first_line(error)}",
        help="take fewer images at a time with a smaller --batch, or another device with --device",
    )


def packages_missing(doing: str, packages: Sequence[str], extra: str) -> Fault:
    """ARCH618: packages that are not installed."""
    are = "is" if len(packages) == 1 else "are"
    return _fault(
        "ARCH618",
        f"{doing} needs {', '.join(packages)}, which {are} not installed",
        help=f'install the extra: pip install "archdsl[{extra}]"',
    )
