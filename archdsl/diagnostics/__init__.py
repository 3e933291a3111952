"""Diagnostics: faults as data, their catalogue, and one renderer per output format."""

from archdsl.diagnostics.diagnostic import Diagnostic as Diagnostic
from archdsl.diagnostics.diagnostic import Label as Label
from archdsl.diagnostics.diagnostic import Severity as Severity
from archdsl.diagnostics.fix import Edit as Edit
from archdsl.diagnostics.fix import Fix as Fix
from archdsl.diagnostics.problems import Poison as Poison
from archdsl.diagnostics.problems import Problems as Problems
from archdsl.diagnostics.problems import TooManyFaults as TooManyFaults
from archdsl.diagnostics.suggest import did_you_mean as did_you_mean
from archdsl.diagnostics.suggest import nearest as nearest
