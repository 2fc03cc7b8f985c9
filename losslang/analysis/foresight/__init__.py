"""Whether an objective collapses: forces and gradient flow on a cloud of embeddings, and the verdict."""
