"""The intermediate representation: networks as frozen data."""

from archdsl.ir.draft import Draft as Draft
from archdsl.ir.draft import TooManyOperators as TooManyOperators
from archdsl.ir.network import INPUT as INPUT
from archdsl.ir.network import Aggregation as Aggregation
from archdsl.ir.network import Allowance as Allowance
from archdsl.ir.network import Level as Level
from archdsl.ir.network import Network as Network
from archdsl.ir.network import Node as Node
from archdsl.ir.network import Region as Region
from archdsl.ir.network import RegionKind as RegionKind
from archdsl.ir.network import Tap as Tap
