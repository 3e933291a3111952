"""The paper's networks as emitted modules in a folder: written where the compiler is, read where
only torch is.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPECS = Path(__file__).parents[2] / "specs"
MODELS = {
    "VGG-1": "vgg1.arch",
    "VGG-1-RA": "vgg1_ra.arch",
    "VGG-2-RA": "vgg2_ra.arch",
    "ResNet-62-RA": "resnet_ra.arch",
}
_INDEX = "models.json"


def emit(folder: Path, narrower: int = 1) -> None:
    """Write the modules; every width of theirs is divided by ``narrower``."""
    import archdsl

    folder.mkdir(parents=True, exist_ok=True)
    index = {}
    with tempfile.TemporaryDirectory() as copied:
        specs = Path(copied) / "specs"
        shutil.copytree(SPECS, specs)
        for path in specs.glob("*.arch"):
            text = path.read_text()
            narrow = re.sub(
                r"\b(64|128|256|512|1024)\b", lambda m: str(int(m[0]) // narrower), text
            )
            path.write_text(narrow)
        for name, file in MODELS.items():
            compiled = archdsl.compile(specs / file)
            (folder / f"{name}.py").write_text(compiled.source)
            index[name] = compiled.network.name
    (folder / _INDEX).write_text(json.dumps(index, indent=2))


def makers(folder: Path) -> dict[str, Callable[[], Any]]:
    """Return, by name of the network, what makes a module; the compiler is not needed."""
    from archdsl.backends.pytorch.execution import execute

    def maker(source: str, class_name: str) -> Callable[[], Any]:
        return lambda: execute(source, class_name)

    index = json.loads((folder / _INDEX).read_text())
    return {
        name: maker((folder / f"{name}.py").read_text(), class_name)
        for name, class_name in index.items()
    }
