"""Finite-size ladders: sizes computed one after another until the mobility has converged."""
