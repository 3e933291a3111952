"""Which packages training needs, and the check that they are there before anything starts."""

from __future__ import annotations

from importlib.util import find_spec

from archdsl.training import messages

_ALWAYS = {"torch": "torch", "numpy": "numpy", "safetensors": "safetensors", "PIL": "pillow"}
_OF_DATASET = {"digits": {"sklearn": "scikit-learn"}, "svhn": {"scipy": "scipy"}}


def require(dataset: str) -> None:
    """Raise Fault ARCH618, naming the packages, if one that the data set needs is missing."""
    needed = _ALWAYS | _OF_DATASET.get(dataset, {})
    missing = [package for module, package in needed.items() if find_spec(module) is None]
    if missing:
        raise messages.package_missing(missing)
