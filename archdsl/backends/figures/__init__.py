"""Figures of a network: what to draw, where, and how."""
