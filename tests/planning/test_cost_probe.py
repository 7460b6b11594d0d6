"""A probe runs the engine and tells how large a basis becomes that nobody has seen."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest

from smallpolaron.api.cost import expected_cost
from smallpolaron.cost.evidence import PROBE_ERROR, Evidence, correction
from smallpolaron.cost.features import features
from smallpolaron.cost.model import read_model
from smallpolaron.cost.prediction import predict
from smallpolaron.dynamics.checkpoints import NO_CHECKPOINTS
from smallpolaron.planning import probe as probing
from smallpolaron.planning.probe import PROBE_FACTOR, probe
from smallpolaron.runs import engine_runs
from smallpolaron.study.parameters import Parameters
from smallpolaron.study.plan import Plan
from smallpolaron.study.sections import Protocol

# unlike anything that the model was calibrated with: hot, and a vibration
STUDY = """\
study: test
accuracy: 3e-3
"""
HOT = """\
model: {temperature_K: 700}
bath: {eta_over_v: 1, gamma_over_v: 3}
propagation: {duration_fs: 300}
grid:
  - model.n_sites: [5, 8]
"""
VIBRATION = """\
model: {temperature_K: 600}
bath: {kind: brownian, eta_over_v: 1, gamma_over_v: 3, frequency_over_v: 5}
propagation: {duration_fs: 200}
grid:
  - model.n_sites: [6, 8]
"""


def _labels(parameters: Parameters, protocol: Protocol) -> float:
    outcome = engine_runs.compute(parameters, protocol, 10**6, NO_CHECKPOINTS)
    assert outcome is not None
    return float(np.asarray(outcome[0]["convergence/n_unknowns"].data))


@pytest.mark.parametrize("text", [HOT, VIBRATION])
@pytest.mark.parametrize("protocol", ["current", "marcus"])
def test_probe_of_a_small_ring_predicts_the_basis_of_a_larger_one(
    protocol: Protocol, text: str, plan_of: Callable[[str], Plan]
) -> None:
    small, large = (point.parameters for point in plan_of(STUDY + text).points)
    model, job = read_model(), features(large, protocol)
    evidence = probe(model, small, protocol)
    assert evidence is not None
    told = predict(model, job, correction(model, [evidence], job)).labels
    assert abs(log(told.expected / _labels(large, protocol))) < log(1.5 * PROBE_FACTOR)
    assert told.factor < predict(model, job).labels.factor


@pytest.mark.parametrize(("limit", "most"), [("MOST_S", 0.0), ("MOST_LABELS", 1)])
def test_a_probe_that_is_ended_early_says_so(
    limit: str, most: float, plan_of: Callable[[str], Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    small, _ = (point.parameters for point in plan_of(STUDY + HOT).points)
    whole = expected_cost(small, "current", 10**6, probe=True)
    monkeypatch.setattr(probing, limit, most)
    early = expected_cost(small, "current", 10**6, probe=True)
    assert (whole.cut, early.cut) == (False, True)
    assert early.elements.expected < whole.elements.expected


def test_a_probe_is_believed_where_the_model_knows_nothing(
    plan_of: Callable[[str], Plan],
) -> None:
    model = read_model()
    shares = []
    for text in (HOT, VIBRATION):
        small, large = (point.parameters for point in plan_of(STUDY + text).points)
        job, surprise = features(large, "current"), log(10)
        evidence = Evidence(features(small, "current"), surprise, PROBE_ERROR)
        shares.append(correction(model, [evidence], job).shift / surprise)
    assert 0.2 < shares[0] < shares[1]
    assert shares[1] > 0.7
