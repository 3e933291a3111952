"""Networks from torchvision and timm: what a model is like, found without weights or downloads."""

from archdsl.backbones.facts import Facts as Facts
from archdsl.backbones.facts import Fault as Fault
from archdsl.backbones.facts import Feature as Feature
from archdsl.backbones.facts import Refused as Refused
from archdsl.backbones.facts import Request as Request
from archdsl.backbones.inspection import inspect as inspect

LIBRARIES = ("timm", "torchvision")
"""The libraries that a backbone can come from."""
