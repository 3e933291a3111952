"""What nothing uses: operators whose value never reaches the output are dropped, and named.

Before (VGG-1-RA): ... -> tap -> maxpool(2), and nothing reads the pool. After: no such pool.
Operators with parameters are kept, so that the backbone's state_dict stays that of the plain
network; their values are not computed.
"""

from __future__ import annotations

from dataclasses import replace

from archdsl.analysis import messages
from archdsl.analysis.subject import Subject
from archdsl.operators.foreign import FOREIGN


def drop_unused(subject: Subject) -> Subject:
    """Drop operators without parameters that nothing uses; report all that nothing uses."""
    network = subject.network
    if subject.problems.has_errors or network.aggregation is None:
        return subject
    # A backbone from elsewhere is used as published, whether all of it is asked for or not.
    unused = [n for n in network.nodes if n.id not in network.live and n.op not in FOREIGN]
    if not unused:
        return subject
    for node in unused:
        with_parameters = node.params > 0
        subject.problems.add(
            messages.unused_operator(subject.span(node.id), node.id, with_parameters)
        )
    gone = {node.id for node in unused if node.params == 0}
    # A value that a kept but unused operator reads must stay, too.
    for node in reversed(network.nodes):
        if node.id not in gone:
            gone.difference_update(node.inputs)
    replacement = {n.id: n.inputs[0] for n in network.nodes if n.id in gone}

    def surviving(id: str) -> str:
        while id in replacement:
            id = replacement[id]
        return id

    nodes = tuple(n for n in network.nodes if n.id not in gone)
    regions = tuple(replace(region, output=surviving(region.output)) for region in network.regions)
    return subject.with_network(nodes=nodes, regions=regions)
