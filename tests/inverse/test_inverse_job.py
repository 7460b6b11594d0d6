"""Inverse jobs: files, tables of an experimentalist, suggestion, refusals."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from smallpolaron.analysis.gates import Gate
from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.memory.kernel_moments import kernel_moments
from smallpolaron.analysis.mobility import ac_mobility
from smallpolaron.cli import main
from smallpolaron.inverse.emulator import fit_emulator, training_points
from smallpolaron.inverse.inverse import measurement, posterior
from smallpolaron.inverse.inverse_variables import posterior_notes
from smallpolaron.inverse.training_set import files_of, read_training_set
from smallpolaron.model.units import RAD_FS_PER_THZ
from smallpolaron.planning.study import load_plan, plan_document
from smallpolaron.results.store import Result, Variable, read_result, write_result
from smallpolaron.runs.point_run import stored_parameters
from smallpolaron.study.plan import Plan
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.study.yamlfile import parse_yaml
from smallpolaron.support.problems import StoreError
from tests.results.completed import completed

Make = Callable[..., Result]
PlanOf = Callable[[str], Plan]
SETTINGS = AnalysisConfig()

STUDY = """\
study: grid
accuracy: 2e-3
model: {n_sites: 5, lattice_constant_A: 4, hopping_cm: 40, temperature_K: 290}
bath: {terms: 1}
propagation: {duration_fs: 450, sample_fs: 0.5}
grid:
  - bath.eta_over_v: [0.5, 1.2, 3, 8]
    bath.gamma_over_v: [0.5, 0.9, 1.6, 3]
  - bath.eta_over_v: [6.26]
    bath.gamma_over_v: [0.82]
"""


def number(result: Result, name: str) -> float:
    return float(np.real(result.variables[name].data))


def scalar_file(kind: str, parameters: dict, values: dict[str, float]) -> Result:
    variables = {name: Variable(value, (), "1", "x.") for name, value in values.items()}
    return completed(Result(kind, variables, parameters, (), {}, {}))


def moments_file(parameters: dict) -> Result:
    """Moments at 0.2 and 0.4 rad/fs; the scalars are those at 0.4."""
    places = parameters["derived"]
    both = [moments_at(places["eta_over_v"], places["gamma_over_v"], x) for x in (0.2, 0.4)]
    values = {"limit_used": 0.4, "mean": both[1][0], "variance": both[1][1]}
    found = scalar_file("moments", parameters, values)
    curves = {"limit": [0.2, 0.4]}
    curves |= {f"{name}_limit": [m[i] for m in both] for i, name in enumerate(("mean", "variance"))}
    arrays = {name: Variable(np.array(c), ("limit",), "1", "x.") for name, c in curves.items()}
    return replace(found, variables=found.variables | arrays)


def moments_at(eta: float, gamma: float, limit: float = 0.4) -> tuple[float, float]:
    """Mean and variance of spectrum(eta, gamma) up to a limit."""
    omega = np.linspace(0.0, limit, 401)
    found = kernel_moments(omega, spectrum(omega, eta, gamma), [limit])
    return float(found.mean[0]), float(found.variance[0])


def spectrum(omega: NDArray[np.float64], eta: float, gamma: float) -> NDArray[np.float64]:
    """Stand-in for a kernel: width from eta, shape from both."""
    width = 0.05 * eta**0.4
    return np.exp(-0.5 * (omega / width) ** 2) + 0.3 * gamma / (1 + (omega / 0.1) ** 2)


def mobility_at(eta: float, gamma: float) -> float:
    return 5.0 * gamma**0.2 / (1 + eta) ** 1.5


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study's results: moments and mobility of all points, kernels of all but two."""
    plan = plan_document(parse_yaml(STUDY, "study.yaml"))
    results = tmp_path_factory.mktemp("study") / "results"
    for index, point in enumerate(plan.points):
        eta, gamma = point.derived["eta_over_v"], point.derived["gamma_over_v"]
        mobility = mobility_at(eta, gamma)
        contents = {
            "mobility": {
                "mobility": mobility,
                "D": 2.0,
                "D_error_record": math.inf if index else 0.001,
                "D_error": 0.002 if index else math.nan,
            },
            "kernel": {"tau_K_percent_fs": 200.0 / gamma if index > 1 else math.nan},
        }
        parameters = stored_parameters(point, plan.study)
        moments = results / "moments" / f"{point.id}.h5"
        write_result(moments, moments_file(parameters))
        for kind, values in contents.items():
            path = results / kind / f"{point.id}.h5"
            write_result(path, scalar_file(kind, parameters, values))
    return results


@pytest.fixture
def folder(results: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(results, tmp_path / "results"))


def held_out_id(folder: Path) -> str:
    return next((folder / "moments").glob("*6.26*")).stem


def run(folder: Path, *options: str) -> Result:
    output, suggestion = folder.parent / "inverse.h5", folder.parent / "next.yaml"
    arguments = ["inverse", "--results", str(folder), "--output", str(output), "--overwrite"]
    assert main([*arguments, "--suggestion", str(suggestion), *options]) == 0
    return read_result(output, kind="inverse")


@pytest.fixture(scope="module")
def inverted(results: Path) -> Result:
    """What is found for the held-out point; the suggestion is in next.yaml beside the results."""
    return run(results, "--held-out", held_out_id(results))


def test_held_out_point_is_found_again(results: Path, inverted: Result) -> None:
    result = inverted
    assert number(result, "truth/eta_over_v") == 6.26
    assert number(result, "posterior/peak/eta_over_v") == pytest.approx(6.26, rel=0.1)
    assert number(result, "posterior/peak/gamma_over_v") == pytest.approx(0.82, rel=0.15)
    assert number(result, "truth/level") < 0.9
    low, high = (result.variables[f"region/{side}/eta_over_v"].data for side in ("low", "high"))
    assert low[1] < 6.26 < high[1]
    assert result.variables["training/eta_over_v"].data.shape == (16,)
    assert result.variables["map/kernel_mean"].data.shape == (101, 101)
    weights = np.asarray(result.variables["posterior/weight"].data)
    assert weights.sum() == pytest.approx(1.0)
    assert number(result, "predicted/mobility") == pytest.approx(mobility_at(6.26, 0.82), rel=0.05)
    assert result.parameters["held_out"] == held_out_id(results)
    assert result.notes["left_out"] == f"{held_out_id(results)}: held out"
    assert "tau_K: 14 points" in result.notes["emulators"]


def test_left_out_table_and_maps(inverted: Result) -> None:
    result = inverted
    for name in ("kernel_mean", "mobility"):
        computed = np.asarray(result.variables[f"training/{name}"].data)
        predicted = np.asarray(result.variables[f"left_out/{name}"].data)
        std = np.asarray(result.variables[f"left_out_std/{name}"].data)
        z = np.asarray(result.variables[f"left_out_z/{name}"].data)
        assert np.log(computed / predicted) / std == pytest.approx(z, rel=1e-6)
        assert np.max(np.abs(np.log(computed / predicted))) < 0.5
    assert np.isnan(result.variables["left_out/tau_K"].data).sum() == 2
    eta = np.asarray(result.variables["map/eta_over_v"].data)
    gamma = np.asarray(result.variables["map/gamma_over_v"].data)
    emulated = np.asarray(result.variables["map/mobility"].data)
    exact = mobility_at(eta[:, None], gamma[None, :])
    assert np.max(np.abs(np.log(emulated / exact))) < 0.1
    assert np.all(result.variables["map/inside"].data)


def test_suggestion_is_a_study(results: Path, inverted: Result, plan_of: PlanOf) -> None:
    result = inverted
    plan = load_plan(results.parent / "next.yaml")
    (point,) = plan.points
    assert plan.study == "grid_next"
    assert point.protocols == ("current",)
    assert 0.5 <= point.derived["eta_over_v"] <= 8
    assert f"eta_over_v = {point.derived['eta_over_v']:g}" in result.notes["suggestion"]
    other = plan_of(STUDY).points[0].parameters
    bath = {key: getattr(point.parameters.bath, key) for key in ("eta_cm", "gamma_cm")}
    assert point.parameters == other.changed(bath=bath)


def test_suggestion_of_a_fixed_hierarchy_keeps_its_rule(tmp_path: Path, plan_of: PlanOf) -> None:
    text = STUDY.replace("accuracy: 2e-3\n", "hierarchy: {depth: 9, weights: [1, 8]}\n")
    plan = plan_of(text)
    for point in plan.points:
        path = tmp_path / "r" / "moments" / f"{point.id}.h5"
        write_result(path, moments_file(stored_parameters(point, plan.study)))
    result = run(tmp_path / "r")
    assert "posterior/weight" not in result.variables
    (point,) = load_plan(tmp_path / "next.yaml").points
    assert point.parameters.hierarchy == plan.points[0].parameters.hierarchy
    assert point.parameters.propagation == plan.points[0].parameters.propagation


def conductivity_table(path: Path, error: bool, noise: float, end: float = 0.42) -> Path:
    """Write sigma(omega) whose kernel is spectrum(3, 1.2), on uneven frequencies."""
    omega = end * (np.arange(1, 501) / 500) ** 1.2
    sigma = 250.0 / (spectrum(omega, 3.0, 1.2) + 1j * (0.2 - 3.0 * omega))
    rng = np.random.default_rng(4)
    level = noise * np.abs(sigma)
    sigma = sigma + level * (rng.normal(size=500) + 1j * rng.normal(size=500))
    rows = ["# measured on a Monday", "frequency_THz,sigma_real,sigma_imag" + ",error" * error]
    for w, s, e in zip(omega, sigma, level, strict=True):
        cells = [w / (2 * math.pi) * 1e3, s.real, s.imag, *([e] if error else [])]
        rows.append(",".join(repr(float(cell)) for cell in cells))
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(("error", "noise"), [(True, 0.02), (False, 0.01)])
def test_parameters_from_a_conductivity(folder: Path, error: bool, noise: float) -> None:
    table = conductivity_table(folder.parent / "sigma.csv", error, noise)
    result = run(folder, "--sigma", str(table), "--temperature-K", "290")
    eta, gamma = (number(result, f"posterior/mean/{a}_over_v") for a in ("eta", "gamma"))
    low, high = (result.variables[f"region/{side}/eta_over_v"].data for side in ("low", "high"))
    assert low[1] < 3.0 < high[1]
    assert eta == pytest.approx(3.0, rel=0.1)
    assert gamma == pytest.approx(1.2, rel=0.2)
    expected = "as given" if error else "from the scatter"
    assert expected in result.notes["measured_noise"]
    assert result.notes["measured"] == "sigma.csv"
    mean, _ = moments_at(3.0, 1.2)
    error_of_mean = number(result, "measured/kernel_mean_std") * mean
    assert abs(number(result, "measured/kernel_mean") - mean) < 4 * error_of_mean + 1e-4 * mean


def test_shorter_table_with_a_lower_limit(folder: Path) -> None:
    table = conductivity_table(folder.parent / "sigma.csv", True, 0.01, end=0.25)
    options = ["--sigma", str(table), "--temperature-K", "290"]
    assert refused(folder, *options)
    result = run(folder, *options, "--limit", "0.2")
    assert result.parameters["moment_limit_rad_fs"] == 0.2
    mean, variance = moments_at(3.0, 1.2, 0.2)
    assert number(result, "measured/kernel_mean") == pytest.approx(mean, rel=0.01)
    assert number(result, "predicted/kernel_variance") == pytest.approx(variance, rel=0.02)
    low, high = (result.variables[f"region/{side}/gamma_over_v"].data for side in ("low", "high"))
    assert low[1] < 1.2 < high[1]
    training = read_training_set(sorted((folder / "moments").glob("*.h5")), limit=0.2)
    expected = sorted(
        moments_at(run.coordinates["eta_over_v"], run.coordinates["gamma_over_v"], 0.2)[0]
        for run in training.runs
    )
    assert sorted(training.values("kernel_mean")) == pytest.approx(expected)


def test_parameters_from_measured_quantities(folder: Path) -> None:
    table = folder.parent / "measured.csv"
    mean, _ = moments_at(3.0, 1.2)
    table.write_text(
        f"quantity,value,error\nkernel_mean,{mean},{0.01 * mean}\n"
        f"mobility,{mobility_at(3.0, 1.2)},0.01\n"
    )
    result = run(folder, "--measured", str(table))
    assert number(result, "posterior/mean/eta_over_v") == pytest.approx(3.0, rel=0.1)
    assert number(result, "posterior/mean/gamma_over_v") == pytest.approx(1.2, rel=0.2)
    assert abs(number(result, "measured/mobility_z")) < 2
    assert "measured/kernel_variance" not in result.variables


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (3.0, 0.03, {"prior", "posterior"}),
        (6.0, 3.0, {"prior", "posterior", "coarse", "edge"}),
        (300.0, 1.0, {"prior", "posterior", "misfit", "edge"}),
    ],
)
def test_notes_name_the_reasons_for_doubt(value: float, error: float, expected: set[str]) -> None:
    eta = np.geomspace(0.5, 8.0, 6)
    emulator = fit_emulator(training_points({"eta_over_v": eta}), eta)
    data = measurement({"tau_K": value}, {"tau_K": error})
    notes = posterior_notes(data, posterior({"tau_K": emulator}, data), emulator.points)
    assert set(notes) == expected


HEADER = "frequency_THz,sigma_real,sigma_imag\n"
ROWS = "".join(f"{i / 10},1.0{i % 3},0.5\n" for i in range(1, 20))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no table"),
        (ROWS, ":1: has no header line that names its columns (frequency, sigma)"),
        (HEADER.replace(",", ";") + ROWS, ":1: cells in every row: 1; in the header: 3"),
        (HEADER.replace("sigma_imag", "sigma_imga") + ROWS, ":1: column 'sigma_imga' is not known"),
        (HEADER + ROWS + "2.0,nan,1\n", ":21: sigma_real = 'nan'"),
        (HEADER + ROWS + "2.0,1,\n", ":21: sigma_imag = ''"),
        (HEADER + "-1,1,1\n" + ROWS, ":2: frequency_THz = -1.0"),
        (HEADER + ROWS + "1.9,1,1\n", ":21: frequency_THz = 1.9"),
        (HEADER + "# x\n\n0.05,0,0\n" + ROWS, ":4: sigma_real = 0.0: the conductivity is 0"),
        (HEADER + ROWS + "2.0,1\n", ":21: row of 2 cells; the header has 3"),
        (HEADER + "0.1,1,1\n0.2,1,1\n", "2 rows of numbers; at least 8"),
        (HEADER + ROWS, "no mobility files with curves"),
        (HEADER.replace("\n", ",error\n") + "0.1,1,1,-1\n", ":2: error = -1.0: is negative"),
    ],
)
def test_conductivity_tables_that_are_refused(
    text: str, message: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "sigma.csv"
    table.write_text(text)
    assert refused(results, "--sigma", str(table), "--temperature-K", "290")
    error = capsys.readouterr().err
    assert message in error
    assert str(table) in error


def refused(results: Path, *options: str) -> bool:
    output, suggestion = results.parent / "x.h5", results.parent / "x.yaml"
    moments = [str(path) for path in sorted((results / "moments").glob("*.h5"))]
    arguments = ["inverse", "--moments", *moments, "--output", str(output)]
    status = main([*arguments, "--suggestion", str(suggestion), *options])
    return status == 2 and not output.exists() and not suggestion.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("quantity,value,error\n", "no rows after the header"),
        ("quantity,value,error\nmobilty,1,1\n", ":2: quantity = 'mobilty': is not known; did"),
        ("quantity,value,error\ntau_K,1,0\n", ":2: error = 0.0: must be above 0"),
        ("quantity,value,error\ntau_K,1,1\ntau_K,1,1\n", ":3: 'tau_K' stands twice"),
    ],
)
def test_measured_tables_that_are_refused(
    text: str, message: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "measured.csv"
    table.write_text(text)
    assert refused(results, "--measured", str(table))
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "0.3"], "has no moments up to 0.3 rad/fs; its limits are 0.2, 0.4"),
        (["--held-out", "nobody"], "'nobody' is not among the files"),
        (["--sigma", "none.csv"], "--sigma needs --temperature-K"),
        (["--sigma", "none.csv", "--temperature-K", "290"], "cannot read the file"),
        (["--sigma", "none.csv", "--temperature-K", "-3"], "must be above 0 K"),
        (["--measured", "none.csv", "--temperature-K", "200"], "is at 200 K, all training"),
    ],
)
def test_requests_that_are_refused(
    options: list[str], message: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(results, *options)
    assert message in capsys.readouterr().err


def changed(folder: Path, kind: str, index: int, **changes: object) -> None:
    path = sorted((folder / kind).glob("*.h5"))[index]
    write_result(path, replace(read_result(path), **changes), overwrite=True)


def test_runs_of_other_systems_or_limits_are_refused(folder: Path, plan_of: PlanOf) -> None:
    paths = sorted((folder / "moments").glob("*.h5"))
    wider = plan_of(STUDY.replace("lattice_constant_A: 4", "lattice_constant_A: 9")).points[0]
    stranger = folder / "moments" / f"{wider.id}.h5"
    write_result(stranger, moments_file(stored_parameters(wider, "grid")))
    with pytest.raises(StoreError, match="more than eta, gamma and temperature; model"):
        read_training_set([*paths[1:], stranger])
    stranger.unlink()
    first = read_result(paths[0])
    other = {**first.variables, "limit_used": Variable(0.6, (), "1", "x.")}
    changed(folder, "moments", 0, variables=other)
    with pytest.raises(StoreError, match=r"limit of the moments: 0\.4 rad/fs and 0\.6 rad/fs"):
        read_training_set(paths)
    with pytest.raises(StoreError, match="1 usable training points: nothing to learn"):
        read_training_set(paths[:1])
    with pytest.raises(StoreError, match="name the folder of a study's results"):
        files_of([folder, folder / "moments"])


def test_flagged_and_smaller_runs_are_left_out(folder: Path, plan_of: PlanOf) -> None:
    larger = plan_of(STUDY.replace("n_sites: 5", "n_sites: 7")).points[3]
    parameters = stored_parameters(larger, "grid")
    big = folder / "moments" / f"{larger.id}.h5"
    write_result(big, moments_file(parameters))
    paths = sorted((folder / "moments").glob("*.h5"))
    found = read_training_set(paths)
    assert len(found.runs) == 17
    (reason,) = found.left_out.values()
    assert reason == f"superseded by {larger.id}"
    source = read_result(big)
    gates = (Gate("trace", 1.0, 0.5, "too large"),)
    write_result(big, replace(source, gates=gates), overwrite=True)
    again = read_training_set(paths)
    assert len(again.runs) == 17
    assert again.left_out == {larger.id: "flagged by a quality gate"}
    with pytest.raises(StoreError, match="flagged or without numbers"):
        read_training_set(paths, larger.id)


def test_errors_of_the_mobility_come_from_its_file(results: Path) -> None:
    found = read_training_set(sorted(results.glob("*/*.h5")))
    errors = sorted(set(found.errors("mobility")))
    assert errors == pytest.approx([0.0005, 0.001])
    assert set(found.errors("kernel_mean")) == {0.0}


def test_the_same_result_every_time(results: Path, folder: Path, inverted: Result) -> None:
    second = run(folder, "--held-out", held_out_id(folder))
    files = [place.parent / "next.yaml" for place in (results, folder)]
    assert files[0].read_text() == files[1].read_text()
    for name, variable in inverted.variables.items():
        assert np.array_equal(variable.data, second.variables[name].data, equal_nan=True)


def narrow_table(path: Path, sigma: NDArray[np.complex128], noise: float, error: float) -> Path:
    """Write what a terahertz spectrometer gives: 0.3 to 2.5 THz, noise on both parts."""
    rng = np.random.default_rng(11)
    noisy = sigma + noise * (rng.normal(size=45) + 1j * rng.normal(size=45))
    rows = ["frequency_THz,sigma_real,sigma_imag,error"]
    for f, s in zip(NARROW_THZ, noisy, strict=True):
        rows.append(f"{f:.4f},{s.real:.12g},{s.imag:.12g},{error:.12g}")
    path.write_text("\n".join(rows) + "\n")
    return path


NARROW_THZ = np.linspace(0.3, 2.5, 45)
TIMES = np.arange(0.0, 3001.0)


def current(eta: float, gamma: float) -> NDArray[np.float64]:
    """Stand-in for C_kubo whose shape below 2.5 THz depends on both parameters."""
    k = 0.012 * gamma**0.6
    return 1e-3 * (1.0 - k * TIMES * eta / (2.0 + eta)) * np.exp(-k * TIMES)


def narrow_sigma(eta: float, gamma: float) -> NDArray[np.complex128]:
    return 55.0 * ac_mobility(
        make_series(TIMES, current(eta, gamma)), RAD_FS_PER_THZ * NARROW_THZ, 290.0
    )


@pytest.fixture(scope="module")
def curves(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same study, its mobility files with curves; no moments."""
    folder = tmp_path_factory.mktemp("curves") / "results"
    for path in sorted((results / "mobility").glob("*.h5")):
        source = read_result(path)
        places = source.parameters["derived"]
        C = current(places["eta_over_v"], places["gamma_over_v"])
        arrays = {
            "time_fs": Variable(TIMES, ("time",), "fs", "x."),
            "C_kubo": Variable(C, ("time",), "angstrom^2 fs^-2", "x."),
            "D_running": Variable(C, ("time",), "angstrom^2 fs^-1", "x."),
        }
        variables = {**source.variables, **arrays}
        write_result(folder / "mobility" / path.name, replace(source, variables=variables))
    return folder


def region(result: Result, axis: str) -> tuple[float, float]:
    low, high = (result.variables[f"region/{side}/{axis}"].data for side in ("low", "high"))
    return float(low[1]), float(high[1])


def test_a_window_of_terahertz_spectroscopy_is_fitted_itself(curves: Path) -> None:
    sigma = narrow_sigma(3.0, 1.2)
    noise = 3e-3 * float(np.max(np.abs(sigma)))
    table = narrow_table(curves.parent / "thz.csv", sigma, noise, noise)
    result = run(curves, "--sigma", str(table), "--temperature-K", "290")
    assert "shape of the conductivity itself" in result.notes["measured_by"]
    for axis, truth in (("eta_over_v", 3.0), ("gamma_over_v", 1.2)):
        low, high = region(result, axis)
        assert low < truth < high
        assert high / low < 2.0
        assert number(result, f"posterior/mean/{axis}") == pytest.approx(truth, rel=0.2)
    assert "misfit" not in result.notes
    assert "sign" not in result.notes
    assert load_plan(curves.parent / "next.yaml").points


def test_the_other_sign_is_suspected_in_a_window(curves: Path) -> None:
    sigma = narrow_sigma(3.0, 1.2)
    noise = 3e-3 * float(np.max(np.abs(sigma)))
    table = narrow_table(curves.parent / "conjugate.csv", sigma.conj(), noise, noise)
    options = ["--sigma", str(table), "--temperature-K", "290"]
    assert "--conjugate" in run(curves, *options).notes["sign"]
    again = run(curves, *options, "--conjugate")
    low, high = region(again, "eta_over_v")
    assert low < 3.0 < high


@pytest.mark.parametrize("error", [0.0, 1e-9, 1e9])
def test_errors_that_say_nothing_do_not_exclude_the_truth(
    folder: Path, curves: Path, error: float
) -> None:
    """The same with the moments of the kernel and with the shape within a window."""
    table = conductivity_table(folder.parent / "sigma.csv", True, 0.02)
    lines = table.read_text().splitlines()
    rows = [f"{line.rpartition(',')[0]},{error}" for line in lines[2:]]
    table.write_text("\n".join([*lines[:2], *rows]) + "\n")
    sigma = narrow_sigma(3.0, 1.2)
    noise = 2e-2 * float(np.max(np.abs(sigma)))
    narrow = narrow_table(folder.parent / "thz.csv", sigma, noise, error)
    for files, path in ((folder, table), (curves, narrow)):
        result = run(files, "--sigma", str(path), "--temperature-K", "290")
        assert "from the scatter of the table" in result.notes["measured_noise"]
        low, high = region(result, "eta_over_v")
        assert low < 3.0 < high
    assert number(result, "measured/phase_end_std") > 1e-3


def test_moments_follow_from_mobility_files_alone(curves: Path) -> None:
    training = read_training_set(files_of([curves]))
    assert np.isnan(training.limit)  # these spectra are too short for moments
    assert np.all(np.isfinite(training.values("mobility")))


def test_options_without_their_table_are_refused(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in (["--conjugate"], ["--columns", "a,b"]):
        assert refused(results, *option)
        assert option[0] in capsys.readouterr().err


def test_a_table_whose_name_is_not_text(folder: Path) -> None:
    table = conductivity_table(folder.parent / os.fsdecode(b"Probe_3\xb5m.csv"), True, 0.02)
    result = run(folder, "--sigma", str(table), "--temperature-K", "290")
    assert result.notes["measured"] == "Probe_3\\xb5m.csv"
