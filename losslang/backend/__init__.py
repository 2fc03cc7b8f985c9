"""From graph to torch: emitted Python, its state, and the modules that hold it."""
