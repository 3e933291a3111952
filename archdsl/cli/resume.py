"""``archdsl resume``: continue a run from its folder alone."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from archdsl.cli.computing import CheckpointEpochs, CheckpointSeconds, Computing

if TYPE_CHECKING:
    from archdsl.compiler import Compiled
    from archdsl.training.recorded import Recorded

NAME = "resume"


def run(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", show_default=False)],
    data: Annotated[
        Path | None, typer.Option(help="Where the data lie now [where they lay before].")
    ] = None,
    checkpoint_epochs: CheckpointEpochs = None,
    checkpoint_seconds: CheckpointSeconds = None,
) -> None:
    """Continue a run that was interrupted, or killed, from its newest checkpoint that is whole.

    Spec, recipe, seed, device and options are those that its folder tells; the spec is compiled
    again, and what comes out must be what was trained. In the end the run is what it would have
    been without the interruption, to the bit.

    Exit status 0: done; 1: this version of archdsl finds fault with the spec; 2: it cannot be
    continued, or the data or the disk are at fault; 3: the loss was not finite; 75: ended by a
    signal, with a checkpoint; 130: broken off.
    """
    from archdsl.cli.training import carry_out, console_of_run, job_of
    from archdsl.training import checkpoint_messages
    from archdsl.training import resume as resume_run
    from archdsl.training.recorded import read_recorded

    every = Computing(
        checkpoint_epochs=checkpoint_epochs, checkpoint_seconds=checkpoint_seconds
    ).every()

    def go_on() -> None:
        recorded = read_recorded(run)
        if recorded.is_smoke:
            raise checkpoint_messages.smoke_not_continued(run)
        if recorded.status == "finished":
            raise checkpoint_messages.finished(run)
        job = job_of(compile_again(recorded), recorded.dataset.classes)
        resume_run(run, job, console=console_of_run(), data=data, every=every)

    carry_out(go_on)


def compile_again(recorded: Recorded) -> Compiled:
    """Return what the recorded spec compiles to; faults are printed and end the command.

    Only the texts in the run's folder are read: the files that they came from may have changed.
    Imports lead from one to the other as they did when the run was begun.
    """
    from archdsl.cli.output import fail
    from archdsl.compiler import CallFault, SpecFault, compile_spec, load_spec

    texts = places_of(recorded.spec_files, recorded.folder)

    def read(path: Path) -> str:
        if path not in texts:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return texts[path]

    try:
        spec = load_spec(next(iter(texts)), allow_outside=True, read=read)
        return compile_spec(spec, recorded.name, recorded.parameters)
    except SpecFault as fault:
        fail(fault.diagnostics, 1)
    except CallFault as fault:
        fail([fault.diagnostic], 2)


def places_of(files: dict[str, str], folder: Path) -> dict[Path, str]:
    """Return the texts of a spec by where they would lie, the first one first.

    ``files`` are by the names that they were shown under, which lead from the folder that the
    command was called in. What counts is how they lie to each other; the places are below
    ``folder``, and no file need be there.
    """
    # In a folder deep enough that no name leads above the root of the file system, wherever this
    # command is called.
    depth = max(Path(name).parts.count("..") for name in files)
    folder_then = Path(os.sep, *["_"] * depth)
    whole = {name: os.path.normpath(folder_then / name) for name in files}
    root = Path(next(iter(whole.values()))).parent
    ways = {name: Path(os.path.relpath(path, root)) for name, path in whole.items()}
    above = max(way.parts.count("..") for way in ways.values())
    base = folder.resolve().joinpath("spec", *["_"] * above)
    return {Path(os.path.normpath(base / way)): files[name] for name, way in ways.items()}
