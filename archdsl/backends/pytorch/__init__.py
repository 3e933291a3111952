"""Standalone PyTorch source for a network: the module that an expert would have written."""

from __future__ import annotations

import ast
import textwrap

from archdsl.aggregators import AGGREGATORS
from archdsl.backends.pytorch.classes import Classifier
from archdsl.backends.pytorch.foreign import features_function, sentence
from archdsl.backends.pytorch.initialisation import initialise_function
from archdsl.backends.pytorch.plan import Planner
from archdsl.backends.pytorch.render import ClassWriter, place
from archdsl.ir import Network
from archdsl.operators.operator import render


def class_name(network: Network) -> str:
    """Return the name of the model's class."""
    from archdsl.backends.pytorch.class_names import class_name_of

    return class_name_of(network.name)


def emit(network: Network) -> str:
    """Return the source of a file that defines the network as an ``nn.Module``.

    The text is the same on every run, imports torch alone (and the library that a backbone from
    elsewhere is of), and has no line above 100 columns.
    Submodules are named as the nodes and regions of the network.
    """
    root = Planner(network).plan()
    classifier = Classifier(network)
    classes = classifier.classify(root)
    writer = ClassWriter(network, classifier)
    parts: list[str] = []
    aggregation = network.aggregation
    if aggregation is not None:
        parts.append(AGGREGATORS[aggregation.kind].source.rstrip("\n"))
    parts += classifier.sources
    initialise = initialise_function(network)
    for module_class in classes[:-1]:
        parts.append("\n".join(writer.write(module_class, initialises=False)))
    features = features_function(network, root)
    if features is not None:
        parts.append(features)
    if initialise:
        parts.append(initialise)
    parts.append("\n".join(writer.write(classes[-1], initialises=bool(initialise))))
    body = "\n\n\n".join(parts)
    return f"{_header(network)}\n\n{_imports(body)}\n\n\n{body}\n"


def _header(network: Network) -> str:
    output = network.by_id[network.output].shape
    facts = textwrap.dedent(
        f'''\
        """{class_name(network)}: {render(network.input)} to {render(output)}.

        {network.params:,} parameters, {network.macs:,} multiply-accumulates an image.
        Shapes in comments are without the batch axis.

        @Written by archdsl from {place(network.origins[""].span).rpartition(":")[0]}; network
        {network.identity}.
        """'''
    )
    return facts.replace("@", sentence(network), 1)


def _imports(body: str) -> str:
    # Docstrings hold words of the spec, so the text alone does not tell what is used.
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    lines = []
    if "OrderedDict" in used:
        lines += ["from collections import OrderedDict", ""]
    if "torch" in used:
        lines.append("import torch")
    if "F" in used:
        lines.append("import torch.nn.functional as F")
    lines.append("from torch import Tensor, nn")
    if "timm" in used:
        lines.insert(lines.index("") + 1 if "" in lines else 0, "import timm")
    if "torchvision" in used:
        lines.insert(-1, "import torchvision")
    return "\n".join(lines)
