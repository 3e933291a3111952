"""Summaries of networks as tables: what stands in them, and one writer per format."""
