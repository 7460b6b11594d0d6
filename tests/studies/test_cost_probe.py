"""A probe runs the engine and tells how large a basis becomes that nobody has seen."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest

from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS
from smallpolaron.studies import adaptive_runs
from smallpolaron.studies.canonical import Parameters
from smallpolaron.studies.config import Protocol
from smallpolaron.studies.cost.evidence import correction
from smallpolaron.studies.cost.features import features
from smallpolaron.studies.cost.model import read_model
from smallpolaron.studies.cost.prediction import predict
from smallpolaron.studies.cost.probe import PROBE_FACTOR, probe
from smallpolaron.studies.plan import Plan

# a vibration, at an unusual temperature: unlike anything that the model was calibrated with
STUDY = """\
study: test
accuracy: 3e-3
model: {n_sites: 3, temperature_K: 600}
bath: {kind: brownian, eta_over_v: 1, gamma_over_v: 3, frequency_over_v: 5}
propagation: {duration_fs: 100}
grid:
  - model.n_sites: [4, 6]
"""


def _labels(parameters: Parameters, protocol: Protocol) -> float:
    outcome = (
        adaptive_runs.correlation(parameters, 10**6, NO_CHECKPOINTS)
        if protocol == "current"
        else adaptive_runs.population(parameters, protocol, 10**6, NO_CHECKPOINTS)
    )
    assert outcome is not None
    return float(np.asarray(outcome[0]["convergence/n_unknowns"].data))


@pytest.mark.parametrize("protocol", ["current", "marcus"])
def test_probe_of_a_small_ring_predicts_the_basis_of_a_larger_one(
    protocol: Protocol, plan_of: Callable[[str], Plan]
) -> None:
    small, large = (point.parameters for point in plan_of(STUDY).points)
    model, job = read_model(), features(large, protocol)
    evidence = probe(model, small, protocol)
    assert evidence is not None
    found = correction(model, [evidence], job)
    true = _labels(large, protocol)
    blind, told = predict(model, job).labels, predict(model, job, found).labels
    assert abs(log(told.expected / true)) < log(PROBE_FACTOR)
    assert abs(log(told.expected / true)) < abs(log(blind.expected / true))
    assert told.factor < blind.factor
