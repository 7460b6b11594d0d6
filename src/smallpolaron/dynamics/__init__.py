"""Dynamics on a hierarchy: states, propagation, equilibrium, correlation functions, populations."""
