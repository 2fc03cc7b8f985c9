"""Recipes, runs and the one training loop. `recipe`, `settings`, `plan`, `record` and `cli` import no torch by themselves."""
