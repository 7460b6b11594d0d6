"""A small model that takes a fraction of a second."""

import smallpolaron as sp

BATH = sp.Debye(eta_cm=100, gamma_cm=60)
RING = sp.Model(
    lattice=sp.Lattice.ring(3, spacing_A=5),
    hopping_cm=50,
    temperature_K=300,
    coupling=sp.Local(BATH),
)
QUICK = {"accuracy": 1e-2, "sample_fs": 2.0, "progress": False}


def quick_run(model: sp.Model = RING, duration_fs: float = 200.0):
    return sp.current_correlation(model, duration_fs, **QUICK)
