"""Invented populations: walks between neighbouring sites, each mode in closed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis.gates import Gate
from smallpolaron.planning.study import plan_document
from smallpolaron.results.store import Result, Variable
from smallpolaron.runs.point_run import stored_parameters
from smallpolaron.study.yamlfile import parse_yaml

RealArray = NDArray[np.float64]

STUDY = """\
study: test
model: {{n_sites: {n}, topology: {topology}, site_energies_cm: {energies}}}
bath: {{eta_cm: 100, gamma_cm: 50}}
propagation: {{duration_fs: {duration}}}
protocols: [franck_condon, marcus]
start_site: {site}
"""
UNITS = {"populations": "1", "dpopulations": "fs^-1", "d2populations": "fs^-2"}


def walk(
    t: RealArray,
    modes: Callable[[RealArray], Sequence[RealArray]],
    *,
    n: int,
    topology: str = "ring",
    site: int = 0,
    start: str = "marcus",
    energies: str = "0",
    grew: bool = False,
) -> Result:
    """Return the populations of a walk that starts on one site.

    Args:
        t: times, fs, shape (times,).
        modes: amplitudes of the modes of the walk and their two derivatives, each of shape
            (times, modes), from the eigenvalues of the generator that hops to each neighbour at
            rate 1, shape (modes,).
        n: number of sites.
        topology: ring or chain.
        site: where it starts.
        start: initialisation that it claims to have.
        energies: of the sites, 1/cm, which it claims to have.
        grew: whether it failed the gate on growth.
    """
    text = STUDY.format(n=n, topology=topology, energies=energies, site=site, duration=t[-1])
    point = plan_document(parse_yaml(text, "study.yaml")).points[0]
    hops = np.eye(n, k=1) + np.eye(n, k=-1)
    if topology == "ring":
        hops[0, -1] = hops[-1, 0] = 1
    values, vectors = np.linalg.eigh(hops - np.diag(hops.sum(axis=0)))
    variables = {"time_fs": Variable(t, ("time",), "fs", "Time.")}
    for (name, units), order in zip(UNITS.items(), modes(values), strict=True):
        # fixed hierarchies leave an imaginary part, which is rounding
        data = (order * vectors[site]) @ vectors.T + 1e-9j
        variables[name] = Variable(data, ("time", "site"), units, "P.")
    gates = (
        Gate("stability", float(grew), 0.0, "whether the state grew"),
        Gate("trace", 1e-9, 1e-6, "trace"),
    )
    parameters = stored_parameters(point, "test", start=start)
    provenance = {"configuration_hash": point.hash, "ranks": 1}
    return Result("population", variables, parameters, gates, provenance)
