"""Training on photos, measured part by part, on a GPU or (tiny) on a CPU: `python -m tests.benchmarks.photo_training`."""
