"""From tree to typed graph: names, axes, operations, networks, and what is wrong with a method."""
