"""The registry of aggregators and of their readouts: one declaration each."""

from archdsl.aggregators import readout, recurrent
from archdsl.aggregators.readout import Readout as Readout
from archdsl.aggregators.recurrent import Aggregator as Aggregator

AGGREGATORS: dict[str, Aggregator] = {a.name: a for a in recurrent.AGGREGATORS}
"""Every aggregator by name."""

READOUTS: dict[str, Readout] = {
    operator.name.removeprefix("readout_"): operator for operator in readout.READOUTS
}
"""Every readout by the word a spec uses."""

NOT_YET = frozenset("rnn gru mean sum max concat linear attention bilstm bigru".split())
"""Aggregators that later versions have."""
