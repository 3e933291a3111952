"""Training a compiled model: the only part of the product that needs torch.

Importing this package is cheap; :func:`train` imports torch, and raises :class:`Fault` ARCH618
where a package of the extra ``archdsl[train]`` is missing.
"""

from archdsl.training.faults import DeviceError as DeviceError
from archdsl.training.faults import Fault as Fault
from archdsl.training.job import Job as Job
from archdsl.training.job import build as build
from archdsl.training.result import EpochMetrics as EpochMetrics
from archdsl.training.result import Result as Result
from archdsl.training.run import resume as resume
from archdsl.training.run import train as train
