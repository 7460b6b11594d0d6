"""Dynamics on a hierarchy: states, propagation, equilibrium, correlation functions, populations.

mpi4py is imported before petsc4py: it finds the MPI library that both must share.
"""

from mpi4py import MPI  # noqa: F401
