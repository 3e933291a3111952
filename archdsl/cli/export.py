"""``archdsl export``: a run's network as an ONNX file, checked and compared before it is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAME = "export"


def run(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    onnx: Annotated[
        Path, typer.Option("--onnx", metavar="FILE", help="The file to write.", show_default=False)
    ],
    best: Annotated[
        bool, typer.Option("--best", help="The weights of the best epoch, not the final ones.")
    ] = False,
    normalise: Annotated[
        bool,
        typer.Option(
            "--normalise", help="Take images in 0 to 1, and scale them inside the network."
        ),
    ] = False,
) -> None:
    """Export the network of a run to ONNX, for any number of images at a time.

    Exit status 0: done; 2: the call or the run is at fault, or the file would not be exact.
    """
    from archdsl.cli.output import console, fail
    from archdsl.diagnostics.escaping import visible
    from archdsl.training import Fault
    from archdsl.training.requirements import require

    try:
        require("")
        from archdsl.training.export import OPSET, export, require_onnx
        from archdsl.training.export_parity import ALLOWED
        from archdsl.training.trained import load_trained

        require_onnx()
        trained = load_trained(run, "best" if best else "final")
        exported = export(trained, onnx, normalise=normalise)
    except Fault as fault:
        fail([fault.diagnostic], fault.status)
    parity = exported.parity
    apart = " and ".join(f"{p.difference:.1e} at batch {batch}" for batch, p in parity.items())
    said = [f"opset {OPSET}; differs from the module by {apart}"]
    if any(p.difference > ALLOWED for p in parity.values()):
        file, module, largest = (
            max(getattr(p, name) for p in parity.values()) for name in ("file", "module", "largest")
        )
        said.append(
            f"that is rounding: of logits up to {largest:.2g}, the file is {file:.1e} away from "
            f"their values in float64, and the module {module:.1e}"
        )
    out = console()
    for line in (
        f"{trained.recorded.name}, {exported.metadata['images']} to logits [N, "
        f"{len(trained.class_names)}]",
        *said,
        f"wrote {visible(str(exported.path))} ({exported.size:,} bytes)",
    ):
        out.print(line, soft_wrap=True)
