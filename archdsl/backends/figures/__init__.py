"""Figures of a network: what to draw, where, and how."""

FORMATS = ("svg", "pdf", "png", "dot", "html")
"""What figures can be written as: endings of files."""
