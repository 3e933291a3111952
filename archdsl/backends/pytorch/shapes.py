"""Shapes in comments: numbers where all instances of a class agree, else names."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backends.pytorch.classes import ModuleClass, Number, _derived
from archdsl.ir import Network


class ShapeText:
    """Writes the shapes of one class's values."""

    def __init__(self, network: Network, module_class: ModuleClass) -> None:
        self.network = network
        self.parameters: dict[str, list[Number]] = dict(module_class.values)
        self.sizes: dict[str, list[int]] = {}
        shapes = [network.by_id[p.inputs[0]].shape for p in module_class.plans if p.inputs]
        if len(shapes) == len(module_class.plans) and all(len(s) == 3 for s in shapes):
            self.sizes = {"h": [s[1] for s in shapes], "w": [s[2] for s in shapes]}
            self.parameters.setdefault("in_channels", [s[0] for s in shapes])

    def text(self, ids: Sequence[str]) -> str:
        """Return the shape of a value, given its id in every instance."""
        shapes = [self.network.by_id[i].shape for i in ids]
        if len({len(shape) for shape in shapes}) > 1:
            return "[...]"
        axes = list(zip(*shapes, strict=True))
        names = ("", "h", "w") if len(axes) == 3 else ("",) * len(axes)
        return "[" + ", ".join(self.axis(a, n) for a, n in zip(axes, names, strict=True)) + "]"

    def axis(self, values: Sequence[int], size: str) -> str:
        """Return one axis over all instances."""
        if len(set(values)) == 1:
            return str(values[0])
        if size:
            return self.side(values, size)
        return _derived(list(values), self.parameters) or self.sum(values) or "..."

    def sum(self, values: Sequence[int]) -> str | None:
        """Return channels as the input's and something more: ``in_channels + 32 * n``."""
        for name in ("in_channels", "in_features"):
            if name not in self.parameters:
                continue
            more = [v - int(b) for v, b in zip(values, self.parameters[name], strict=True)]
            if more[0] > 0 and len(set(more)) == 1:
                return f"{name} + {more[0]}"
            own = {n: v for n, v in self.parameters.items() if n != name}
            rest = _derived(list(more), own)
            if rest is not None and " - " not in rest:
                return f"{name} + {rest}"
        return None

    def side(self, values: Sequence[int], size: str) -> str:
        """Return height or width as a part of the input's."""
        start = self.sizes.get(size)
        if start is None:
            return "..."
        if list(values) == start:
            return size
        ratio = round(start[0] / values[0])
        if ratio > 1 and all(-(-b // ratio) == v for v, b in zip(values, start, strict=True)):
            return f"{size}/{ratio}"
        if ratio > 1 and all(b // ratio == v for v, b in zip(values, start, strict=True)):
            return f"{size}//{ratio}"
        for name, strides in self.parameters.items():
            pairs = list(zip(values, start, strides, strict=True))
            if all(isinstance(s, int) and s > 0 and -(-b // s) == v for v, b, s in pairs):
                return f"{start[0] if len(set(start)) == 1 else size}/{name}"
        return "..."
