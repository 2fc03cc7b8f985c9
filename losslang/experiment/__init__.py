"""Experiments: one small file for methods × data × settings × seeds, run as ensembles, resumed, never repeated."""
