"""Result files with invented but lawful numbers, for tests of the workflow and of the figures.

The current autocorrelation function has an even, positive Kubo spectrum, so detailed balance
holds exactly; it turns negative and decays, as that of a small polaron does.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from smallpolaron.analysis import gates
from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import spectra
from smallpolaron.derive.drude_smith_job import drude_smith_result
from smallpolaron.derive.kernel_job import kernel_result
from smallpolaron.derive.mobility_job import mobility_result
from smallpolaron.derive.spreading_job import spreading_result
from smallpolaron.model.units import beta, thermal_energy
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.study.plan import Point, read_plan

AMPLITUDE = 7.0e-3
"""C_kubo(0) of a large ring, angstrom^2/fs^2."""
RATES = {"franck_condon": 0.012, "marcus": 0.008}
"""Hopping rate to either side after each start, per fs."""
TOO_SHALLOW = 3
"""Depth at and below which too much of the synthetic state lies on the outermost operators."""


def _times(point: Point) -> NDArray[np.float64]:
    duration = point.parameters.propagation.duration_fs
    sample = point.parameters.propagation.sample_fs
    return np.arange(0.0, duration + 0.5 * sample, sample)


def kubo_spectrum(
    omega: NDArray[np.float64], n_sites: int, width: float = 1.0
) -> NDArray[np.float64]:
    """Return an even, positive spectrum whose time function turns negative."""
    size = (1.0 + 1.5 * np.exp(-1.3 * (n_sites - 2))) / width
    omega = omega / width
    broad = 40.0 * np.exp(-0.5 * (40.0 * omega) ** 2)
    narrow = 0.42 * 75.0 * np.exp(-0.5 * (75.0 * omega) ** 2)
    return np.asarray(AMPLITUDE * size * np.sqrt(2 * np.pi) * (broad - narrow) / 0.58)


def confined(
    spectrum: NDArray[np.float64], omega: NDArray[np.float64], n_sites: int
) -> NDArray[np.float64]:
    """Return a spectrum without its value at zero, as on a chain, which bounds the position."""
    dip = np.exp(-0.5 * (20.0 * n_sites * omega) ** 2)
    return np.asarray(spectrum - spectrum[len(omega) // 2] * dip)


def correlation(point: Point, study: str) -> Result:
    """Return an invented correlation result of a point."""
    p = point.parameters
    temperature = p.model.temperature_K
    n_sites, depth = p.n_sites, p.hierarchy.depth
    omega = np.linspace(-0.35, 0.35, 4001)
    width = (p.bath.eta_cm / 100.0) ** 0.2 * (p.bath.gamma_cm / 50.0) ** 0.1
    kubo = kubo_spectrum(omega, n_sites, width)
    if p.model.topology == "chain":
        kubo = confined(kubo, omega, n_sites)
    x = beta(temperature) * omega
    full = kubo * np.divide(x, -np.expm1(-x), out=np.ones_like(x), where=np.abs(x) > 1e-12)
    times = _times(point)
    phases = np.exp(-1j * np.outer(times, omega)) * (omega[1] - omega[0]) / (2 * np.pi)
    C, dC, d2C = (phases @ (full * (-1j * omega) ** order) for order in range(3))
    a = p.model.lattice_constant_A
    start = float(np.sum(kubo)) * (omega[1] - omega[0]) / (2 * np.pi)
    hopping_energy = -start / (a**2 * thermal_energy(temperature))
    frontier = 0.05 if depth is not None and depth <= TOO_SHALLOW else 1e-6
    density = np.eye(n_sites, dtype=complex) / n_sites
    line = ("time",)
    variables = {
        "time_fs": Variable(times, line, "fs", "Time."),
        "C_JJ": Variable(C, line, "angstrom^2 fs^-2", "Current autocorrelation function."),
        "dC_JJ": Variable(dC, line, "angstrom^2 fs^-3", "First time derivative."),
        "d2C_JJ": Variable(d2C, line, "angstrom^2 fs^-4", "Second time derivative."),
        "equilibrium/density_matrix": Variable(density, ("site_ket", "site_bra"), "1", "State."),
        "equilibrium/hopping_energy": Variable(hopping_energy, (), "rad fs^-1", "Mean."),
        "equilibrium/residual": Variable(1e-9, (), "fs^-1", "Residual."),
        "equilibrium/hermiticity": Variable(1e-12, (), "1", "Hermiticity."),
        "equilibrium/frontier_weight": Variable(frontier, (), "1", "Frontier."),
    }
    if depth is None:
        variables |= _errors(float(full[len(omega) // 2]) / 2)
    spectrum = spectra(make_series(times, C, dC, d2C), temperature)
    found = (
        gates.FRONTIER_WEIGHT.judge(frontier),
        gates.real_at_zero(C),
        gates.long_time_decay(C),
        gates.detailed_balance(spectrum.omega, spectrum.full, temperature),
    )
    return Result("correlation", variables, _stored(point, study), found, _provenance(point))


def _errors(D: float) -> dict[str, Variable]:
    """Return invented error estimates of D, as only adaptive hierarchies have them."""
    unit = "angstrom^2 fs^-1"
    values = {
        "resolvent/D": D,
        "errors/D/frontier": 0.002,
        "errors/D/finite_time": 1e-4,
        "errors/D/total": 0.0021,
    }
    return {name: Variable(value, (), unit, "Invented.") for name, value in values.items()}


def population(point: Point, study: str, start: str) -> Result:
    """Return invented populations: hopping with one rate, faster from Franck–Condon."""
    n = point.parameters.n_sites
    site = point.parameters.start_site
    rate = RATES[start]
    hops = np.eye(n, k=1) + np.eye(n, k=-1)
    if point.parameters.model.topology == "ring":
        hops[0, -1] = hops[-1, 0] = 1
    generator = rate * (hops - np.diag(hops.sum(axis=0)))
    values, vectors = np.linalg.eigh(generator)
    times = _times(point)
    decay = np.exp(np.outer(times, values)) * vectors[site]
    P, dP, d2P = (decay * values**order @ vectors.T for order in range(3))
    axes = ("time", "site")
    variables = {
        "time_fs": Variable(times, ("time",), "fs", "Time."),
        "populations": Variable(P, axes, "1", "Site populations."),
        "dpopulations": Variable(dP, axes, "fs^-1", "First derivative."),
        "d2populations": Variable(d2P, axes, "fs^-2", "Second derivative."),
    }
    found = (gates.FRONTIER_WEIGHT.judge(1e-6), gates.populations_in_range(P))
    parameters = _stored(point, study) | {"start": start}
    return Result("population", variables, parameters, found, _provenance(point))


def displacement(point: Point, study: str, start: str) -> Result:
    """Return the invented displacement of the same walk on the infinite lattice."""
    growth = 2 * RATES[start] * point.parameters.model.lattice_constant_A**2
    times = _times(point)
    line = ("time",)
    variables = {
        "time_fs": Variable(times, line, "fs", "Time."),
        "msd": Variable(growth * times, line, "angstrom^2", "Mean-squared displacement."),
        "dmsd_dt": Variable(0 * times + growth, line, "angstrom^2 fs^-1", "Its slope."),
        "d2msd_dt2": Variable(0 * times, line, "angstrom^2 fs^-2", "Second derivative."),
        "errors/dmsd_dt/total": Variable(0.01, (), "1", "Invented error of the slope."),
    }
    parameters = _stored(point, study) | {"start": start}
    found = (gates.FRONTIER_WEIGHT.judge(1e-6),)
    return Result("displacement", variables, parameters, found, _provenance(point))


def _stored(point: Point, study: str) -> dict[str, Any]:
    return {
        **point.parameters.content(),
        "derived": point.derived,
        "study": study,
        "point": point.id,
    }


def _provenance(point: Point) -> dict[str, Any]:
    return {"synthetic": True, "configuration_hash": point.hash}


def write_all(plan_file: Path) -> None:
    """Write a correlation or population file for every MPI job of a plan."""
    plan, folder = read_plan(plan_file), plan_file.parent
    for point in plan.points:
        for protocol in point.protocols:
            if protocol == "current":
                path = folder / "correlation" / f"{point.id}.h5"
                write_result(path, correlation(point, plan.study), overwrite=True)
            else:
                path = folder / "population" / f"{point.id}__{protocol}.h5"
                make = displacement if point.parameters.is_infinite else population
                write_result(path, make(point, plan.study, protocol), overwrite=True)


def analyse_all(plan_file: Path) -> None:
    """Write the analysis files of every correlation file of a plan."""
    plan, folder = read_plan(plan_file), plan_file.parent
    for point in plan.with_protocol("current"):
        name = f"{point.id}.h5"
        source = read_result(folder / "correlation" / name)
        found = mobility_result(source, plan.analysis)
        write_result(folder / "mobility" / name, found, overwrite=True)
        kernel = kernel_result(source, plan.analysis)
        write_result(folder / "kernel" / name, kernel, overwrite=True)
        fit = drude_smith_result(found, plan.analysis)
        write_result(folder / "drude_smith" / name, fit, overwrite=True)


def spread_all(plan_file: Path) -> None:
    """Write the spreading files of every population file of a plan."""
    plan, folder = read_plan(plan_file), plan_file.parent
    for point in plan.points:
        names = [f"{point.id}__{start}.h5" for start in point.populations]
        found = {name: read_result(folder / "population" / name) for name in names}
        for name, source in found.items():
            partner = next((other for key, other in found.items() if key != name), None)
            result = spreading_result(source, partner, plan.analysis)
            write_result(folder / "spreading" / name, result, overwrite=True)


if __name__ == "__main__":
    line = argparse.ArgumentParser(description=__doc__)
    line.add_argument("plan", type=Path)
    options = line.parse_args()
    write_all(options.plan)
    analyse_all(options.plan)
