"""A probe runs the engine and brings an estimate closer to what the job then takes."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log

import numpy as np
import pytest

from smallpolaron.studies import adaptive_runs
from smallpolaron.studies.config import Protocol
from smallpolaron.studies.cost.evidence import correction
from smallpolaron.studies.cost.features import features
from smallpolaron.studies.cost.model import read_model
from smallpolaron.studies.cost.probe import probe
from smallpolaron.studies.plan import Plan

# a vibration, at an unusual temperature: unlike anything that the model was calibrated with
STUDY = """\
study: test
accuracy: 1e-2
model: {n_sites: 3, temperature_K: 600}
bath: {kind: brownian, eta_over_v: 1, gamma_over_v: 6, frequency_over_v: 8}
propagation: {duration_fs: 100}
"""


@pytest.mark.parametrize("protocol", ["current", "marcus"])
def test_probe_brings_the_estimate_closer(
    protocol: Protocol, plan_of: Callable[[str], Plan]
) -> None:
    parameters = plan_of(STUDY).points[0].parameters
    model, job = read_model(), features(parameters, protocol)
    evidence = probe(model, parameters, protocol)
    assert evidence is not None
    found = correction(model, [evidence], job)
    outcome = (
        adaptive_runs.correlation(parameters, 10**6)
        if protocol == "current"
        else adaptive_runs.population(parameters, protocol, 10**6)
    )
    assert outcome is not None
    true = float(np.asarray(outcome[0]["convergence/n_unknowns"].data))
    fit = model.family(job.family).fits["first_labels"]
    before = fit.at(job.values) + log(job.copies)
    assert abs(before + found.shift - log(true)) < max(abs(before - log(true)), 1.0)
    assert found.deviation < fit.deviation(job.values)
    assert exp(before + found.shift) > 1
