"""The force of an objective on center, residual and weak directions: by term, in parts, and beyond the basic gradient."""
