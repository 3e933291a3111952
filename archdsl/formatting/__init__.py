"""The formatter: one style, no options; comments and blank lines stay."""

from archdsl.formatting.formatter import NotFormatted as NotFormatted
from archdsl.formatting.formatter import format_source as format_source
