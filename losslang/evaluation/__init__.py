"""What a representation is worth: kNN, the linear probe, and the geometry of the embeddings."""
