"""From text to nodes with spans, going on after every error."""

from archdsl.syntax.parser import parse as parse
