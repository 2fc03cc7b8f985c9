"""Text -> tree: the grammar, the two spellings of a method, and the writer behind `losslang fmt`."""
