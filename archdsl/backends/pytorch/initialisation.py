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

_PLAIN = """\
if isinstance(module, KINDS):
    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    if module.bias is not None:
        nn.init.zeros_(module.bias)
"""

# nn.init takes fan in from the wrong axis of a transposed kernel, and knows nothing of strides.
_TRANSPOSED = """\
if isinstance(module, nn.ConvTranspose2d):
    # Kaiming, too: an output pixel sees 1 / stride of the kernel along each axis.
    vertical, horizontal = module.stride
    fan_in = module.weight[:, 0].numel() / (module.groups * vertical * horizontal)
    nn.init.normal_(module.weight, std=(2 / fan_in) ** 0.5)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
"""


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
    elif "convtranspose" in ops:
        words.append("Kaiming for transposed convolutions")
    if aggregation is not None:
        words.append("Xavier and orthogonal for the LSTM")
    if not words:
        return ""
    lines = ["def initialise(module: nn.Module) -> None:"]
    lines += docstring(f"Initialise: {', '.join(words)}", "", INDENT)
    cases: list[str] = []
    if kinds:
        shown = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
        cases.append(_PLAIN.replace("KINDS", shown))
    if "convtranspose" in ops:
        cases.append(_TRANSPOSED)
    if aggregation is not None:
        cases.append(AGGREGATORS[aggregation.kind].init)
    body = "el".join(cases).splitlines()
    return "\n".join(lines + [INDENT + line for line in body])
