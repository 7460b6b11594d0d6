"""Disordered ensembles computed for real: against exact dynamics, and on one and two ranks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.constants import c

import smallpolaron
from smallpolaron.cli import main
from smallpolaron.results.store import Result, read_result
from smallpolaron.study.plan import read_plan

PATIENCE_S = 240
STUDY = """\
study: disordered
accuracy: 0.02
model: {topology: chain, n_sites: 3}
bath: {eta_cm: 100, gamma_cm: 50, terms: 1}
disorder: {site_energy_cm: 60, site_energy_distribution: normal, hopping_cm: 20,
           hopping_distribution: uniform, seed: 3, members: 4}
propagation: {duration_fs: 20}
protocols: [franck_condon]
"""
FREE = """\
study: free
accuracy: 1e-5
model: {topology: chain, n_sites: 2}
bath: {eta_cm: 1e-4, gamma_cm: 50}
disorder: {site_energy_cm: 100, site_energy_distribution: uniform, seed: 11, members: 8}
propagation: {duration_fs: 300}
protocols: [franck_condon]
"""


def planned(text: str, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    study, path = folder / "study.yaml", folder / "plan.json"
    study.write_text(text, encoding="utf-8")
    assert main(["plan", "--config", str(study), "--output", str(path)]) == 0
    return path


def member_orders(plan_path: Path, ranks: int) -> list[list[str]]:
    """Return the command line of every member."""
    folder = plan_path.parent / "population"
    common = ["population", "--plan", str(plan_path), "--start", "franck_condon"]

    def order(point: str) -> list[str]:
        output = str(folder / f"{point}__franck_condon.h5")
        return [*common, "--point", point, "--ranks", str(ranks), "--output", output]

    return [order(point.id) for point in read_plan(plan_path).points]


def averaged(plan_path: Path) -> Result:
    (ensemble,) = read_plan(plan_path).ensembles
    output = plan_path.parent / "ensemble.h5"
    named = ["--name", ensemble.name, "--protocol", "franck_condon", "--output", str(output)]
    assert main(["ensemble", "--plan", str(plan_path), *named]) == 0
    return read_result(output, kind="ensemble")


def computed(text: str, folder: Path) -> Result:
    path = planned(text, folder)
    for order in member_orders(path, 1):
        assert main(order) == 0
    return averaged(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return computed(STUDY, tmp_path_factory.mktemp("one"))


def test_from_the_study_to_the_ensemble(small: Result) -> None:
    assert not small.flagged
    assert small.notes["left_out"] == "none"
    P = np.asarray(small.variables["populations"].data)
    np.testing.assert_allclose(P.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(P[0], [0, 1, 0])
    members = np.asarray(small.variables["members/msd"].data)
    assert members.shape == (4, 21)
    np.testing.assert_allclose(small.variables["msd"].data, members.mean(axis=0), atol=1e-12)
    assert np.ptp(members[:, -1]) > 0.05  # the draws matter
    assert float(np.real(small.variables["msd"].data[-1])) == pytest.approx(25 * (1 - P[-1, 1]))


def unitary(site_energies_cm: list[float], hopping_cm: float, time_fs: np.ndarray) -> np.ndarray:
    """Return the population of the other site of a pair without a bath, by diagonalisation."""
    per_cm = 2 * np.pi * c * 100 * 1e-15
    H = per_cm * np.array(
        [[site_energies_cm[0], hopping_cm], [hopping_cm, site_energies_cm[1]]], dtype=float
    )
    energies, states = np.linalg.eigh(H)
    phases = np.exp(-1j * np.outer(time_fs, energies))
    return np.asarray(np.abs(phases @ (states[0] * states[1])) ** 2)


def test_without_a_bath_it_is_the_mean_of_unitary_evolutions(tmp_path: Path) -> None:
    found = computed(FREE, tmp_path)
    time = np.asarray(found.variables["time_fs"].data)
    points = read_plan(tmp_path / "plan.json").points
    drawn = [point.parameters.model.site_energies_cm for point in points]
    exact = np.array([unitary(energies, 50.0, time) for energies in drawn])
    np.testing.assert_allclose(found.variables["msd"].data, 25 * exact.mean(axis=0), atol=5e-4)
    np.testing.assert_allclose(found.variables["members/msd"].data, 25 * exact, atol=5e-4)
    assert np.max(np.ptp(exact, axis=0)) > 0.3
    clean = unitary([0, 0], 50.0, time)
    assert np.max(np.abs(exact.mean(axis=0) - clean)) > 0.05


ALL_MEMBERS = """
import json, sys
from smallpolaron.cli import main
sys.exit(max(main(order) for order in json.loads(sys.argv[1])))
"""


def test_the_ensemble_is_the_same_on_one_and_two_ranks(small: Result, tmp_path: Path) -> None:
    path = planned(STUDY, tmp_path)
    beside = Path(sys.executable).parent / "mpiexec"
    launcher = str(beside) if beside.exists() else shutil.which("mpiexec")
    assert launcher is not None, "no mpiexec beside Python or on PATH; run 'make setup'"
    orders = json.dumps(member_orders(path, 2))
    done = subprocess.run(
        [launcher, "-n", "2", sys.executable, "-c", ALL_MEMBERS, orders],
        env=os.environ
        | {"PYTHONPATH": str(Path(smallpolaron.__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    found = averaged(path)
    for name in ("msd", "msd_low", "msd_high", "members/msd"):
        one, two = (np.asarray(result.variables[name].data) for result in (small, found))
        assert np.max(np.abs(two - one)) < 1e-10 * np.max(np.abs(one)), name
