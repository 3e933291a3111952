"""Where the grammar, the specs and the error pages live: in the wheel or in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resource(path: str) -> Traversable:
    """Return the packaged file or folder ``path``, such as ``grammars/arch.lark``.

    In a wheel they lie inside the package; in a checkout (also an editable install) at its root,
    so that an edit of the grammar takes effect at once.
    """
    packaged = files("archdsl").joinpath(*path.split("/"))
    if packaged.is_file() or packaged.is_dir():
        return packaged
    return Path(__file__).parent.parent.joinpath(*path.split("/"))
