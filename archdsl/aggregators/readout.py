"""Readouts: what of an aggregator's states goes to the head."""

from __future__ import annotations

from archdsl.operators.operator import Arguments, Expression, Operator, Shape


class Readout(Operator):
    """Takes the states [steps, length]; if it ``uses_feature``, also the last tap's vector.

    Before mapping nodes are derived, S itself stands for that vector.
    """

    uses_feature = False


class Last(Readout):
    """The final state only: CNN-RA (paper, Fig. 1)."""

    name = "readout_last"
    picture = "last"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return (inputs[0][1],)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("{0}[:, -1]")


class LastAndFeature(Readout):
    """The final state and the vector of the last block: CNN-RA-B (paper, Fig. 5)."""

    name = "readout_last_and_feature"
    picture = "last + feature"
    uses_feature = True

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return (inputs[0][1] + inputs[1][0],)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("torch.cat([{0}[:, -1], {1}], dim=1)")


class All(Readout):
    """All states, one behind the other: CNN-RA-C (paper, Fig. 6)."""

    name = "readout_all"
    picture = "all"

    def infer(self, inputs: tuple[Shape, ...], a: Arguments) -> Shape:
        return (inputs[0][0] * inputs[0][1],)

    def expression(self, inputs: tuple[Shape, ...], a: Arguments) -> Expression:
        return Expression("{0}.flatten(1)")


READOUTS = (Last(), LastAndFeature(), All())
