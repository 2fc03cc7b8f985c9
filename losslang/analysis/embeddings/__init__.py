"""Embeddings in the place of networks: what a method is given, unit rows of a known shape, and the rows that it compares."""
