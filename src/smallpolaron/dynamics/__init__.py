"""Dynamics on a hierarchy: states, propagation, equilibrium, correlation functions, populations.

The rules for the cache of compiled functions come before any of them.
"""

from smallpolaron import compiled  # noqa: F401
