"""Small runs of every kind, printed as JSON: `python engine_cases.py [embedded]`.

With ``embedded``, mpi4py and petsc4py cannot be imported, as on a machine without them.
"""

import json
import sys

import numpy as np

if "embedded" in sys.argv:
    sys.modules["mpi4py"] = sys.modules["petsc4py"] = None  # type: ignore[assignment]

from smallpolaron.dynamics import linear
from smallpolaron.dynamics.correlation import compute_correlation
from smallpolaron.dynamics.displacement import compute_displacement
from smallpolaron.dynamics.population import compute_population
from smallpolaron.hierarchy.limits import NO_LIMITS, Limits, Truncation
from smallpolaron.model.accuracy import Accuracy
from smallpolaron.model.baths.bath import DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.holstein import HolsteinModel
from smallpolaron.model.units import CM_TO_RAD_FS
from smallpolaron.parallel import EMBEDDED

BATH = DebyeBath(100 * CM_TO_RAD_FS, 60 * CM_TO_RAD_FS)
TARGET = Accuracy(1e-2)


def lattice(n_sites: int, topology: str, energies: tuple[float, ...] | float = 0.0):
    v = 50 * CM_TO_RAD_FS
    scaled = tuple(e * CM_TO_RAD_FS for e in np.atleast_1d(energies))
    site_energies = scaled if len(scaled) > 1 else scaled[0]
    return HolsteinModel(n_sites, topology, v, site_energies, 5.0, 300.0)


def bath(model: HolsteinModel):
    return expand(BATH, 300.0, "pade", 1, True, 1e-2, model.span)


def silent(_line: str) -> None:
    pass


def current(model: HolsteinModel, limits: Limits = NO_LIMITS) -> list[float]:
    found = compute_correlation(
        model, bath(model), TARGET, duration_fs=100.0, sample_fs=5.0, limits=limits, report=silent
    )
    parts = (found.C_JJ.real, found.C_JJ.imag, found.density_matrix.real.ravel())
    scalars = [found.D_resolvent / found.C_JJ[0].real, float(found.record.n_unknowns)]
    return [*np.concatenate(parts).tolist(), *scalars]


def cases() -> dict[str, list[float]]:
    ring, chain = lattice(4, "ring"), lattice(4, "chain", (0.0, 30.0, -20.0, 10.0))
    disordered = lattice(3, "ring", (0.0, 40.0, -15.0))
    found = {"ring": current(ring), "disordered ring": current(disordered)}
    # the same by GMRES: problems of this size are factorised otherwise
    linear._DIRECT = linear._LARGEST_DIRECT = 0
    found |= {"ring, GMRES": current(ring), "disordered ring, GMRES": current(disordered)}
    run = compute_population(
        chain,
        bath(chain),
        TARGET,
        start="franck_condon",
        site=1,
        duration_fs=60.0,
        sample_fs=5.0,
        report=silent,
    )
    found["populations"] = run.populations.ravel().tolist()
    # by momentum: ranks would share the momenta
    run = compute_population(
        ring,
        bath(ring),
        TARGET,
        start="marcus",
        site=0,
        duration_fs=60.0,
        sample_fs=5.0,
        symmetry="momentum",
        report=silent,
    )
    found["populations by momentum"] = run.populations.ravel().tolist()
    spread = compute_displacement(
        lattice(9, "ring"),
        bath(ring),
        TARGET,
        start="franck_condon",
        duration_fs=20.0,
        sample_fs=2.0,
        report=silent,
    )
    found["displacement"] = spread.msd.tolist()
    found["fixed hierarchy"] = current(ring, Limits(truncation=Truncation(depth=3)))
    return found


if __name__ == "__main__":
    print(json.dumps({"embedded": EMBEDDED, "cases": cases()}))
