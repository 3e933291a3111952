"""A small language and a compiler for convolutional networks with layer aggregation."""
