"""The initialisation that is written into every module, and why.

The paper is silent about it (paper.md, A33), and it decides: with torch's defaults and the paper's
learning rate the head of an aggregated network hardly moves for 60 steps. Kaiming for convolutions
and linear layers, Xavier and orthogonal for the LSTM with an open forget gate mend that;
docs/initialisation.md shows the losses.
"""

from __future__ import annotations

from archdsl.aggregators import AGGREGATORS
from archdsl.backends.pytorch.layout import INDENT
from archdsl.backends.pytorch.render import docstring
from archdsl.ir import Network

# Modules, and the operators that make them.
_KAIMING = {"nn.Conv2d": {"conv", "dwconv"}, "nn.Linear": {"linear"}}


def initialise_function(network: Network) -> str:
    """Return the source of ``initialise``, with the cases that the network needs.

    It is empty where torch's own initialisation is left as it is.
    """
    ops = {node.op for node in network.nodes}
    kinds = [name for name, made_by in _KAIMING.items() if ops & made_by]
    aggregation = network.aggregation
    words = []
    if kinds:
        words.append("Kaiming for convolutions and linear layers")
    if aggregation is not None:
        words.append("Xavier and orthogonal for the LSTM")
    if not words:
        return ""
    lines = ["def initialise(module: nn.Module) -> None:"]
    lines += docstring(f"Initialise: {', '.join(words)}", "", INDENT)
    body: list[str] = []
    if kinds:
        shown = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
        body += [
            f"if isinstance(module, {shown}):",
            f'{INDENT}nn.init.kaiming_normal_(module.weight, nonlinearity="relu")',
            f"{INDENT}if module.bias is not None:",
            f"{INDENT * 2}nn.init.zeros_(module.bias)",
        ]
    if aggregation is not None:
        case = AGGREGATORS[aggregation.kind].init.rstrip("\n")
        body += (f"el{case}" if body else case).split("\n")
    return "\n".join(lines + [INDENT + line for line in body])
