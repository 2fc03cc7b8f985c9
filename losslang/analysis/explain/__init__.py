"""A method explained: its mathematics, roles, networks, parameters, state, and what crosses processes."""

from losslang.analysis.explain.explanation import Explanation, explain, roles_of

__all__ = ["Explanation", "explain", "roles_of"]
