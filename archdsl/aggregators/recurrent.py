"""Recurrent aggregators: the tapped vectors are the steps of a sequence, from low to high level."""

from __future__ import annotations

from archdsl.operators.operator import (
    Arguments,
    Expression,
    ModuleCall,
    Operator,
    Shape,
    integer,
)
from archdsl.operators.signature import Integer, Parameter

LSTM_SOURCE = '''\
class LSTM(nn.Module):
    """One LSTM layer over a short sequence, unrolled; parameters are named as in ``nn.LSTM``.

    It is written out because ``nn.LSTM`` breaks the graph of ``torch.compile``; the input's share
    of the gates is one matrix product for all steps. Initial states are zero.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.empty(4 * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.empty(4 * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(4 * hidden_size))
        self.bias_hh_l0 = nn.Parameter(torch.empty(4 * hidden_size))

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, steps, input_size] to all hidden states [batch, steps, hidden_size]."""
        from_input = F.linear(x, self.weight_ih_l0, self.bias_ih_l0)
        h = c = from_input.new_zeros(x.shape[0], self.hidden_size)
        states = []
        for step in from_input.unbind(1):
            gates = step + F.linear(h, self.weight_hh_l0, self.bias_hh_l0)
            i, f, g, o = gates.chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            states.append(h)
        return torch.stack(states, dim=1)
'''

LSTM_INIT = """\
if isinstance(module, LSTM):
    for gate in module.weight_ih_l0.chunk(4):
        nn.init.xavier_uniform_(gate)
    for gate in module.weight_hh_l0.chunk(4):
        nn.init.orthogonal_(gate)
    nn.init.zeros_(module.bias_ih_l0)
    nn.init.zeros_(module.bias_hh_l0)
    with torch.no_grad():  # the forget gate starts open
        module.bias_ih_l0[module.hidden_size : 2 * module.hidden_size].fill_(1.0)
"""


class Aggregator(Operator):
    """An operator over the tapped vectors, in order; its output is [steps, length].

    Before mapping nodes are derived its inputs are the tapped tensors themselves: the length C of
    the vectors is the channel count of the last one (S), which has the same place in both.
    """

    joins = True
    source: str
    """The class that is emitted beside the model."""
    init: str
    """Statements of ``initialise`` for that class."""


class LSTM(Aggregator):
    """One LSTM layer, forget gates, no peepholes, zero initial states (paper, eq. 2)."""

    name = "lstm"
    picture = "LSTM {hidden}"
    parameters = (Parameter("hidden", Integer(1), "length of the hidden state"),)
    source = LSTM_SOURCE
    init = LSTM_INIT

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return len(inputs), integer(a["hidden"])

    def parameter_count(self, inputs: tuple[Shape, ...], a: Arguments) -> int:
        hidden = integer(a["hidden"])
        # Two bias vectors, as in torch: 4H (I + H) + 2 * 4H.
        return 4 * hidden * (inputs[-1][0] + hidden) + 8 * hidden

    def macs(self, inputs: tuple[Shape, ...], output: Shape, a: Arguments) -> int:
        hidden = integer(a["hidden"])
        return len(inputs) * 4 * hidden * (inputs[-1][0] + hidden)

    def module(self, inputs: tuple[Shape, ...], a: Arguments) -> ModuleCall:
        return ModuleCall("LSTM", (("input_size", inputs[-1][0]), ("hidden_size", a["hidden"])), 2)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("self.{module}(torch.stack([{inputs}], dim=1))")


AGGREGATORS = (LSTM(),)
