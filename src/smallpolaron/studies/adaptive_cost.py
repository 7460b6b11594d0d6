"""What an adaptive hierarchy is expected to need; its size is known only afterwards.

Largest bases at accuracy 1e-3 of 19 rings (v = 50 cm^-1, eta/v 0.4 to 7, gamma/v 0.3 to 3.9, 150 to
400 K, 4 to 20 sites) follow 12,000 (gamma/v)^-1.5 (eta/v)^0.3 within a factor of 2.5; weak
coupling to a slow bath (eta/v = 0.6, gamma/v = 0.5) took four times as many. Against accuracy, at
eta = 323 cm^-1, gamma = 41 cm^-1, 600 fs of C_JJ, one propagation on one core of an AMD EPYC
(Zen 3):

| accuracy | labels | seconds |
|---|---|---|
| 1e-3 | 20,000 | 1 |
| 3e-4 | 46,000 | 2.4 |
| 1e-4 | 110,000 | 5.5 |
| 3e-5 | 220,000 | 13 |

Sizes do not depend on the number of sites beyond about eight.

Other baths count with the sum of their eta and their slowest decay (of a vibration, gamma/2 or the
slower of its two rates): rings of six sites at accuracy 4e-3 with a vibration, two Debye baths, or
one of each took 0.4 to 3.8 times what is expected.
"""

from __future__ import annotations

from math import ceil, pow

LABELS_AT_1E_3 = 12_000
"""Largest basis at accuracy 1e-3, eta = gamma = v."""

GAMMA_EXPONENT, ETA_EXPONENT = -1.5, 0.3

GROWTH_EXPONENT = 0.7
"""The basis grows as accuracy to minus this power; within 10 % of the four sizes measured."""

DISPLACEMENT_SHARE = 0.3
"""Labels of a displacement on the infinite lattice over those of C_JJ: start and moment are smaller
than the equilibrium. 0.23 to 0.37 at accuracies 5e-3 and 2e-3, eta/v 2 and 6.46, gamma/v 0.5 to 2,
unless thresholds had to be tightened once, for three times as many."""

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


def labels(accuracy: float, eta_over_v: float, gamma_over_v: float, kets: float, most: int) -> int:
    """Return the expected number of labels.

    Args:
        accuracy: wanted accuracy.
        eta_over_v: coupling strength over the largest hopping; 0 counts as 0.1.
        gamma_over_v: bath relaxation rate over the largest hopping.
        kets: independent ket sites: 1 with translation symmetry, else the number of sites;
            DISPLACEMENT_SHARE for a displacement.
        most: the limit at which a job stops.
    """
    system = pow(max(eta_over_v, 0.1), ETA_EXPONENT) * pow(gamma_over_v, GAMMA_EXPONENT)
    expected = LABELS_AT_1E_3 * system * pow(1e-3 / accuracy, GROWTH_EXPONENT) * kets
    return min(most, ceil(expected))


def core_seconds(n_labels: int, duration_fs: float) -> float:
    """Return the expected core seconds of a job, without its start."""
    return PROPAGATIONS * SECONDS_PER_LABEL_FS * n_labels * duration_fs


def memory_mb_per_rank(n_labels: int, ranks: int) -> float:
    """Return the expected memory of one rank, MB (10^6 bytes), without safety."""
    return BASE_MB_PER_RANK + n_labels * BYTES_PER_LABEL / ranks / 1e6
