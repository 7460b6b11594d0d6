"""Dynamics on a hierarchy: states, propagation, equilibrium, correlation functions, populations.

mpi4py is imported before petsc4py: it finds the MPI library that both must share. The rules for the
cache of compiled functions come before any of them.
"""

from mpi4py import MPI  # noqa: F401

from smallpolaron import compiled  # noqa: F401
