"""Where the grammar, the specs and the error pages live: in the wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_PACKAGE = Path(__file__).parent


def resource(path: str) -> Traversable:
    """Return the packaged file or folder ``path``, such as ``grammars/arch.lark``.

    In a wheel they lie inside the package; in a checkout (also an editable install) at its root,
    so that an edit of the grammar takes effect at once. In a zipped wheel they are read from it.
    """
    for folder in (_PACKAGE, _PACKAGE.parent):
        if (folder / path).exists():
            return folder / path
    # Imported here: it costs 10 ms, and only a zipped package needs it.
    from importlib.resources import files

    return files("archdsl").joinpath(*path.split("/"))
