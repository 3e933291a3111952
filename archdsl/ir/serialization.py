"""Networks as JSON, out and in: pydantic stands at this border, and is imported only for it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import TypeAdapter

from archdsl.ir.network import Network

FORMAT = "archdsl-network-1"

_ADAPTER = TypeAdapter(Network)
# What a network computes, apart from where it was written down.
_IDENTITY = {"name", "input", "nodes", "regions", "taps", "output"}
_PLACES: Any = {"origins": True, "allowances": {"__all__": {"place"}}}


def identity_of(network: Network) -> str:
    """Return the SHA-256 (hex) of the canonical JSON of what the network computes."""
    facts = _ADAPTER.dump_python(network, mode="json", include=_IDENTITY)
    if network.aggregation is None:
        facts["taps"] = []  # without an aggregate clause taps change nothing
    for node in facts["nodes"]:
        if node["op"] == "foreign":  # the model is the same whatever version it was measured with
            node["arguments"].pop("version")
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def write_network(network: Network) -> str:
    """Return the network as JSON; docs/network.md tells what is in it."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "identity": network.identity,
        "name": network.name,
        "parameters": None,
        "input": None,
        "output": network.output,
        "params": network.params,
        "buffers": network.buffers,
        "macs": network.macs,
        "convolutions": network.convolutions,
    }
    facts = _ADAPTER.dump_python(network, mode="json", exclude=_PLACES)
    for node in facts["nodes"]:
        use = network.origins.get(node["id"])
        node["source"] = [str(link.span) for link in use.chain()] if use else []
    facts["edges"] = [[source, node.id] for node in network.nodes for source in node.inputs]
    return json.dumps(document | facts, indent=1, ensure_ascii=True) + "\n"


def read_network(text: str) -> Network:
    """Return the network that JSON of :func:`write_network` describes, without places in a spec.

    Raises ValueError where the text is no such document, or its identity is not that of its facts.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"not a document of format {FORMAT}")
    network = _ADAPTER.validate_python(document)
    if network.identity != document["identity"]:
        raise ValueError("the identity is not that of the network")
    return network
