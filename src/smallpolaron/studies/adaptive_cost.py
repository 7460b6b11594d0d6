"""What an adaptive hierarchy is expected to need; its size is known only afterwards.

One power law in the accuracy through single propagations at 300 K, v = 50 cm^-1, eta = 323 cm^-1,
gamma = 41 cm^-1 with one Pade term and 600 fs of C_JJ on one core of an AMD EPYC (Zen 3):

| accuracy | labels | seconds |
|---|---|---|
| 1e-3 | 20,000 | 1 |
| 3e-4 | 46,000 | 2.4 |
| 1e-4 | 110,000 | 5.5 |
| 3e-5 | 220,000 | 13 |

They do not depend on the number of sites beyond about eight.
"""

from __future__ import annotations

from math import ceil, pow

LABELS_AT_1E_3 = 20_000
"""Largest basis at accuracy 1e-3."""

GROWTH_EXPONENT = 0.7
"""The basis grows as accuracy to minus this power; within 10 % of the four sizes measured."""

SECONDS_PER_LABEL_FS = 1.0e-7
"""Core seconds per label of the largest basis and fs of one propagation; 0.8e-7 to 1.0e-7 were
measured."""

PROPAGATIONS = 4
"""Propagations of one job: the one stored, and three (coarser, unpruned, one bath term more) that
tell its error."""

BYTES_PER_LABEL = 400
"""Keys, links, codes, vectors and the compact operator of one label."""

BASE_MB_PER_RANK = 250.0
"""Python with NumPy, SciPy, Numba and PETSc loaded, before any hierarchy."""


def labels(accuracy: float, kets: int, most: int) -> int:
    """Return the expected number of labels.

    Args:
        accuracy: wanted accuracy.
        kets: independent ket sites: 1 with translation symmetry, else the number of sites.
        most: the limit at which a job stops.
    """
    return min(most, ceil(LABELS_AT_1E_3 * pow(1e-3 / accuracy, GROWTH_EXPONENT) * kets))


def core_seconds(n_labels: int, duration_fs: float) -> float:
    """Return the expected core seconds of a job, without its start."""
    return PROPAGATIONS * SECONDS_PER_LABEL_FS * n_labels * duration_fs


def memory_mb_per_rank(n_labels: int, ranks: int) -> float:
    """Return the expected memory of one rank, MB (10^6 bytes), without safety."""
    return BASE_MB_PER_RANK + n_labels * BYTES_PER_LABEL / ranks / 1e6
