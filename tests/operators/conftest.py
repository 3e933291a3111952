"""The interpreter and the comparison with it lie beside the tests of emitted modules."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "backends"))
