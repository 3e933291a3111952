"""Writing the files that a command makes: each is replaced whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from archdsl.cli.output import fail


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files, and the folders they lie in; ends the command where one cannot be written."""
    from archdsl.training.faults import Fault
    from archdsl.training.writing import replace_file

    for path, data in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)
        except Fault as fault:
            fail([fault.diagnostic], fault.status)
        except OSError as error:
            from archdsl.training.messages import unwritable

            fail([unwritable(path.parent, error.strerror or str(error)).diagnostic], 2)
