"""Fixtures of all tests: a valid study as text, and a synthetic correlation result."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from smallpolaron.model.units import thermal_energy
from smallpolaron.planning.study import plan_document
from smallpolaron.results.quality import correlation_gates
from smallpolaron.results.store import Result, Variable
from smallpolaron.runs.point_run import stored_parameters
from smallpolaron.study.parameters import holstein_model
from smallpolaron.study.plan import Plan
from smallpolaron.study.yamlfile import parse_yaml
from smallpolaron.support.problems import ConfigurationError

VALID = """\
study: test
model: {n_sites: 3}
bath: {eta_cm: 100, gamma_cm: 50, terms: 0}
hierarchy: {depth: 3}
propagation: {duration_fs: 100}
"""


@pytest.fixture
def valid() -> str:
    return VALID


@pytest.fixture
def plan_of() -> Callable[[str], Plan]:
    def make(text: str) -> Plan:
        return plan_document(parse_yaml(textwrap.dedent(text), "study.yaml"))

    return make


@pytest.fixture
def faults_of() -> Callable[[str], list[str]]:
    def collect(text: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            plan_document(parse_yaml(textwrap.dedent(text), "study.yaml"))
        return str(caught.value).splitlines()

    return collect


@pytest.fixture
def correlation() -> Callable[..., Result]:
    """Make a correlation result from C(t) = A exp(-k t^2) (1 + i t/tau), smooth and decayed."""

    def make(duration_fs: float = 400.0, grew: bool = False, n_sites: int = 6) -> Result:
        point = plan_document(
            parse_yaml(VALID.replace("n_sites: 3", f"n_sites: {n_sites}"), "study.yaml")
        ).points[0]
        t = np.arange(0.0, duration_fs + 0.5)
        k, amplitude, slope = 1e-3, 4e-3, 1e-3j
        C = amplitude * np.exp(-k * t**2) * (1 + slope * t)
        factor = -2 * k * t + slope / (1 + slope * t)
        dC = C * factor
        d2C = C * (factor**2 - 2 * k - (slope / (1 + slope * t)) ** 2)
        model = holstein_model(point.parameters)
        hopping_energy = -amplitude / (25 * thermal_energy(300.0))
        variables = {
            "time_fs": Variable(t, ("time",), "fs", "Time."),
            "C_JJ": Variable(C, ("time",), "angstrom^2 fs^-2", "C."),
            "dC_JJ": Variable(dC, ("time",), "angstrom^2 fs^-3", "dC."),
            "d2C_JJ": Variable(d2C, ("time",), "angstrom^2 fs^-4", "d2C."),
        }
        record = SimpleNamespace(
            growth_detected=grew, is_fixed=True, frontier_weight=np.array([0.0, 0.1])
        )
        D = float(np.trapezoid(C.real, t))
        found = SimpleNamespace(
            time_fs=t,
            C_JJ=C,
            dC_JJ=dC,
            d2C_JJ=d2C,
            density_matrix=np.eye(n_sites, dtype=complex) / n_sites,
            hopping_energy=hopping_energy,
            flux_stiffness=0.0,
            equilibrium_residual=1e-9,
            hermiticity=1e-12,
            frontier_weight=1e-5,
            record=record,
            frequencies=np.empty(0),
            sigma=np.empty(0),
            D_time=D,
            D_resolvent=D,
            resolvent_error=0.0,
            errors=SimpleNamespace(C={"finite_time": 0.0}, D={"finite_time": 0.0}),
        )
        gates = correlation_gates(found, 1e-5, model)
        return Result(
            kind="correlation",
            variables=variables,
            parameters=stored_parameters(point, "test"),
            gates=gates,
            provenance={"configuration_hash": point.hash, "ranks": 2},
        )

    return make
