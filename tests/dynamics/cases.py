"""Models, baths and short calls for the tests of the adaptive engine."""

import numpy as np
from mpi4py import MPI

from smallpolaron.dynamics.correlation import compute_correlation
from smallpolaron.dynamics.population import compute_population
from smallpolaron.hierarchy.limits import Limits
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS as CM

T = 300.0
BATH = DebyeBath(100 * CM, 90 * CM)
EXPANSION = expand(BATH, T, "pade", 1)


def ring(n, **more):
    """Homogeneous ring."""
    return HolsteinModel(n, "ring", 50 * CM, **more)


# no symmetry at all, C_JJ with a large imaginary part
CHAIN = HolsteinModel(3, "chain", (50 * CM, -30 * CM), (0.0, 60 * CM, -35 * CM))
MIRROR = HolsteinModel(3, "chain", (60 * CM, 60 * CM), (0.0, 30 * CM, 0.0))
EVEN_MIRROR = HolsteinModel(4, "chain", (60 * CM, -40 * CM, 60 * CM), (0.0, 30 * CM, 30 * CM, 0.0))
DISORDERED = HolsteinModel(3, "ring", (60 * CM, -40 * CM, 25 * CM), (80 * CM, -50 * CM, 0.0))


def silent(_line):
    """No progress lines."""


def correlate(model, target=1e-3, duration_fs=90.0, expansion=EXPANSION, **more):
    """C_JJ on this rank alone unless told otherwise."""
    settings = {"sample_fs": 2.0, "comm": MPI.COMM_SELF, "report": silent} | more
    return compute_correlation(
        model, expansion, Accuracy(target), duration_fs=duration_fs, **settings
    )


def fixed(model, expansion, rule, duration_fs, *, tolerance=1e-10, **more):
    """C_JJ on a fixed hierarchy, with a tight equilibrium."""
    settings = {"sample_fs": 2.0, "comm": MPI.COMM_SELF, "report": silent} | more
    accuracy = Accuracy(1e-5, tolerance=tolerance, stationary=1e-10)
    limits = Limits(truncation=rule)
    return compute_correlation(
        model, expansion, accuracy, duration_fs=duration_fs, limits=limits, **settings
    )


def populate(model, start, site, target=1e-3, duration_fs=60.0, expansion=EXPANSION, **more):
    """Populations on this rank alone unless told otherwise."""
    settings = {"sample_fs": 2.0, "comm": MPI.COMM_SELF, "report": silent} | more
    accuracy = settings.pop("accuracy", Accuracy(target))
    return compute_population(
        model,
        expansion,
        accuracy,
        start=start,
        site=site,
        duration_fs=duration_fs,
        **settings,
    )


def distance(ours, theirs):
    """Largest difference relative to the largest value."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))
