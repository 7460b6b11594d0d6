"""Analysis of a table: the numbers of the jobs, known kernels found again, nothing replaced."""

from __future__ import annotations

import csv
import io
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.kubo import kubo_factor, spectra
from smallpolaron.analysis.memory.kernel import memory_kernel
from smallpolaron.cli import main
from smallpolaron.figures import conductivity, current, cutoff, drude_smith, finite_size
from smallpolaron.figures import memory_kernel as kernel_figure
from smallpolaron.model.units import beta, mobility_cm2
from smallpolaron.own_data.table_analysis import CURVES, FIGURES, SUMMARY, analyse_table
from smallpolaron.own_data.table_summary import NOISE_GAIN
from smallpolaron.results.kinds import OPTIONAL, TABLE_KINDS
from smallpolaron.results.store import Result, read_result, write_result
from smallpolaron.study.sections import AnalysisConfig
from smallpolaron.study.validation import analysis_settings
from smallpolaron.support.problems import ConfigurationError, StoreError
from tests.analysis.analytic_cases import TEMPERATURE, ExponentialKernel, GaussianBands, Sampled

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "own-data.csv"
HEADER = "time_fs,C_real_A2_fs2,C_imag_A2_fs2"
SETTINGS = AnalysisConfig()
SLOW = ("augmented", "conductivity_models")
FAST = [kind for kind in TABLE_KINDS if kind.name not in SLOW]
KINDS = ("correlation", *(kind.name for kind in FAST))


def analysed(table: Path, folder: Path, **options: Any) -> dict[str, Result]:
    given = {"temperature_K": TEMPERATURE, "settings": SETTINGS, "skip": SLOW} | options
    return analyse_table(table, folder, **given)


def number(result: Result, name: str) -> float:
    return float(np.real(result.variables[name].data))


def array(result: Result, name: str) -> np.ndarray:
    return np.asarray(result.variables[name].data)


def table_of(path: Path, case: Sampled, header: str = HEADER, digits: int = 17) -> Path:
    rows = zip(case.time, case.C.real, case.C.imag, strict=True)
    lines = [header, *(",".join(f"{value:.{digits}g}" for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def classical_table(path: Path, C: Callable[[np.ndarray], np.ndarray], step: float = 0.5) -> Path:
    t = step * np.arange(801)
    rows = [f"{a:.17g} {b:.17g}" for a, b in zip(t, C(t), strict=True)]
    path.write_text("\n".join(["# time_fs C_A2_fs2", *rows]))
    return path


QUANTUM = GaussianBands(weights=(1e-3, 6e-4))


def test_an_own_result_gives_the_numbers_of_the_jobs(
    correlation: Callable[..., Result], tmp_path: Path
) -> None:
    source = correlation()
    write_result(tmp_path / "own.h5", source)
    found = analysed(tmp_path / "own.h5", tmp_path / "out", temperature_K=None)
    expected = {"correlation": source}
    for kind in FAST:
        expected[kind.name] = kind.derive(expected[kind.source], SETTINGS)
    for kind in KINDS:
        assert found[kind].gates == expected[kind].gates
        assert set(found[kind].variables) == set(expected[kind].variables)
        for name, variable in expected[kind].variables.items():
            np.testing.assert_array_equal(array(found[kind], name), variable.data)


def test_a_text_table_with_derivatives_gives_the_numbers_of_the_jobs(
    correlation: Callable[..., Result], tmp_path: Path
) -> None:
    source = correlation()
    parts = [array(source, name) for name in ("time_fs", "C_JJ", "dC_JJ", "d2C_JJ")]
    columns = [parts[0], *(part for p in parts[1:] for part in (p.real, p.imag))]
    path = tmp_path / "a.csv"
    header = f"{HEADER},dC_real,dC_imag,d2C_real,d2C_imag"
    np.savetxt(path, np.transpose(columns), "%.17g", ",", header=header, comments="")
    found = analysed(path, tmp_path / "out")
    expected = {"correlation": source}
    for kind in FAST:
        expected[kind.name] = kind.derive(expected[kind.source], SETTINGS)
    for kind, name in (
        ("mobility", "D"),
        ("mobility", "mobility"),
        ("kernel", "D_kernel"),
        ("kernel", "tau_K_percent_fs"),
        ("kernel", "t_eq_band_fs"),
        ("drude_smith", "c"),
        ("drude_smith", "k"),
        ("moments", "mean"),
    ):
        assert number(found[kind], name) == pytest.approx(number(expected[kind], name), rel=1e-12)


def test_a_table_without_derivatives_is_nearly_as_good(
    correlation: Callable[..., Result], tmp_path: Path
) -> None:
    source = correlation()
    C = array(source, "C_JJ")
    case = Sampled(array(source, "time_fs"), C, C, C)
    found = analysed(table_of(tmp_path / "a.csv", case), tmp_path / "out")
    assert "dC_JJ" not in found["correlation"].variables
    mobility, kernel = (kind.derive(source, SETTINGS) for kind in TABLE_KINDS[:2])
    assert number(found["mobility"], "D") == pytest.approx(number(mobility, "D"), rel=1e-8)
    assert number(found["kernel"], "D_kernel") == pytest.approx(
        number(kernel, "D_kernel"), rel=1e-6
    )
    for name in ("tau_K_percent_fs", "t_eq_percent_fs"):
        assert abs(number(found["kernel"], name) - number(kernel, name)) <= 1.0


def test_files_can_be_read_again(tmp_path: Path) -> None:
    path = table_of(tmp_path / "a.csv", QUANTUM.sample(1.0, 200.0))
    found = analysed(path, tmp_path / "out")
    assert set(found) == set(KINDS)
    for kind in KINDS:
        stored = read_result(tmp_path / "out" / f"{kind}.h5", kind=kind)
        assert stored.parameters["table"]["file"] == "a.csv"
        assert stored.parameters["table"]["kind"] == "quantum"
        assert len(stored.parameters["table"]["sha256"]) == 64
    again = analysed(tmp_path / "out" / "correlation.h5", tmp_path / "o", temperature_K=None)
    assert number(again["kernel"], "D_kernel") == number(found["kernel"], "D_kernel")


def test_quantum_table_of_known_spectrum(tmp_path: Path) -> None:
    path = table_of(tmp_path / "a.csv", QUANTUM.sample(1.0, 300.0))
    found = analysed(path, tmp_path / "out")
    D = 0.5 * float(QUANTUM.full(np.zeros(1))[0])
    assert number(found["mobility"], "D") == pytest.approx(D, rel=1e-8)
    assert number(found["mobility"], "mobility") == pytest.approx(mobility_cm2(D, 300.0), rel=1e-8)
    omega = array(found["mobility"], "omega")
    shown = array(found["mobility"], "spectrum_kubo")
    np.testing.assert_allclose(shown, QUANTUM.kubo(omega), atol=1e-7 * float(np.max(shown)))
    assert not found["correlation"].flagged
    page = (tmp_path / "out" / SUMMARY).read_text()
    assert "FLAGGED" not in page
    # an error beyond the digits of D is not printed
    assert number(found["mobility"], "D_error_record") < 1e-12 * D
    assert "(end of the record)" not in page
    assert math.isnan(number(found["mobility"], "D_error"))


def test_exponential_memory_is_found_again(tmp_path: Path) -> None:
    """K(t) = sum of complex exponentials; no detailed balance holds, which the page must say."""
    case = ExponentialKernel()
    path = table_of(tmp_path / "a.csv", case.sample(0.5, 400.0))
    found = analysed(path, tmp_path / "out")
    K, exact = array(found["kernel"], "K"), case.kernel(0.5 * np.arange(801))
    np.testing.assert_allclose(K, exact, atol=1e-6 * abs(exact[0]))
    assert found["correlation"].flagged
    page = (tmp_path / "out" / SUMMARY).read_text()
    assert "C(t) fails the checks long_time_decay, detailed_balance: all numbers" in page
    for words in ("diffusion constant D", "mobility", "D from the whole memory kernel"):
        assert f"| {words} (FLAGGED) |" in page


def test_a_drude_smith_function_has_an_exponential_kernel(tmp_path: Path) -> None:
    """C = (1 + c k t) exp(-k t) has K = c^2 k^2 exp(-(1 + c) k t) beside its drift (c - 1) k."""
    c, k, start = -0.6, 0.05, 3e-3
    path = classical_table(tmp_path / "a.txt", lambda t: start * (1 + c * k * t) * np.exp(-k * t))
    found = analysed(path, tmp_path / "out", kind="classical")
    t = array(found["kernel"], "time_fs")
    exact = (c * k) ** 2 * np.exp(-(1 + c) * k * t)
    np.testing.assert_allclose(array(found["kernel"], "K"), exact, atol=1e-5 * exact[0])
    D = start * (1 + c) / k
    assert number(found["mobility"], "D") == pytest.approx(D, rel=1e-6)
    area = (c * k) ** 2 * (1 - math.exp(-(1 + c) * k * t[-1])) / ((1 + c) * k)
    D_kernel = start / (area - (c - 1) * k)
    assert number(found["kernel"], "D_kernel") == pytest.approx(D_kernel, rel=1e-6)
    assert number(found["drude_smith"], "c") == pytest.approx(c, rel=1e-6)
    assert number(found["drude_smith"], "k") == pytest.approx(k, rel=1e-6)
    assert "Drude–Smith describes" in found["drude_smith"].notes["verdict"]


def test_a_classical_function_gets_no_quantum_factor(tmp_path: Path) -> None:
    t = np.arange(400.0)
    C = np.exp(-((t / 30) ** 2)) * np.cos(0.1 * t)
    series = make_series(t, C)
    slope = C * (-2 * t / 900) - 0.1 * np.exp(-((t / 30) ** 2)) * np.sin(0.1 * t)
    np.testing.assert_allclose(series.real.first, slope, atol=1e-8)
    as_quantum, as_classical = (spectra(series, 300.0, classical=given) for given in (False, True))
    np.testing.assert_allclose(as_classical.kubo, as_classical.full, atol=1e-12)
    factor = kubo_factor(as_quantum.omega, 300.0)
    np.testing.assert_allclose(as_quantum.kubo, as_classical.kubo * factor, atol=1e-12)
    path = classical_table(tmp_path / "a.txt", lambda x: np.interp(x, t, C), step=1.0 - 0.5)
    found = analysed(path, tmp_path / "out", kind="classical")
    np.testing.assert_allclose(array(found["mobility"], "C_kubo")[::2][:400], C, atol=1e-12)


def test_arbitrary_units_keep_shapes_and_lose_D(tmp_path: Path) -> None:
    case = QUANTUM.sample(1.0, 200.0)
    scaled = Sampled(case.time, 37.0 * case.C, case.dC, case.d2C)
    absolute = analysed(table_of(tmp_path / "a.csv", case), tmp_path / "a")
    table = table_of(tmp_path / "b.csv", scaled, header="time_fs,C_real,C_imag")
    relative = analysed(table, tmp_path / "b")
    for kind, name in (
        ("mobility", "D"),
        ("mobility", "mobility"),
        ("mobility", "D_paper"),
        ("kernel", "D_kernel"),
        ("kernel", "tau_K_band_fs"),
        ("kernel", "t_eq_band_fs"),
    ):
        assert math.isnan(number(relative[kind], name)), name
        assert not math.isnan(number(absolute[kind], name)), name
    for kind, name in (("kernel", "tau_K_percent_fs"), ("drude_smith", "c"), ("drude_smith", "k")):
        assert number(relative[kind], name) == pytest.approx(number(absolute[kind], name), rel=1e-6)
    start = float(case.C[0].real)
    D, mu = number(absolute["mobility"], "D"), number(absolute["mobility"], "mobility")
    running = relative["mobility"].variables["D_running"]
    assert running.units == "C(0) fs"
    assert np.asarray(running.data)[-1] == pytest.approx(D / start, rel=1e-9)
    sigma = relative["mobility"].variables["mobility_ac"]
    assert sigma.units == "C(0) fs"
    exact = array(absolute["mobility"], "mobility_ac") * D / mu / start
    np.testing.assert_allclose(sigma.data, exact, rtol=1e-6, atol=1e-6)
    assert relative["correlation"].variables["C_JJ"].units == "C(0)"
    page = (tmp_path / "b" / SUMMARY).read_text()
    assert "no D and no mobility" in page
    assert "| diffusion constant D |" not in page


def test_rounding_of_the_table_is_amplified_as_estimated(tmp_path: Path) -> None:
    case = QUANTUM.sample(1.0, 200.0)
    exact = memory_kernel(make_series(case.time, case.C)).K
    for digits in (5, 7):
        path = table_of(tmp_path / "a.csv", case, digits=digits)
        found = analysed(path, tmp_path / "out", overwrite=True)
        rounding = found["correlation"].parameters["table"]["rounding"]
        noise = np.abs(array(found["kernel"], "K") - exact)
        assert 0.03 < np.max(noise[5:]) / (NOISE_GAIN * rounding) < 3.0
    path = table_of(tmp_path / "a.csv", case, digits=3)
    analysed(path, tmp_path / "out", overwrite=True)
    assert "rounding of the table moves K" in (tmp_path / "out" / SUMMARY).read_text()


def test_page_and_curves_hold_what_the_files_hold(tmp_path: Path) -> None:
    path = table_of(tmp_path / "a.csv", QUANTUM.sample(1.0, 200.0))
    found = analysed(path, tmp_path / "out")
    page = (tmp_path / "out" / SUMMARY).read_text()
    for kind, name in (("mobility", "D"), ("kernel", "D_kernel"), ("drude_smith", "k")):
        assert f" {number(found[kind], name):.6g} " in page
    assert found["drude_smith"].notes["verdict"] in page
    for gate in found["correlation"].gates:
        assert f"| {gate.name} |" in page
    with (tmp_path / "out" / CURVES["time"]).open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["time [fs]"]) for row in rows] == list(array(found["kernel"], "time_fs"))
    column = [float(row["kernel/K imag [fs^-2]"]) for row in rows]
    np.testing.assert_array_equal(column, array(found["kernel"], "K").imag)
    cut = [float(row["kernel/D_cutoff [angstrom^2 fs^-1]"]) for row in rows]
    np.testing.assert_array_equal(cut, array(found["kernel"], "D_cutoff"))
    with (tmp_path / "out" / CURVES["omega"]).open() as file:
        rows = list(csv.DictReader(file))
    column = [float(row["mobility/mobility_ac real [cm^2 V^-1 s^-1]"]) for row in rows]
    np.testing.assert_array_equal(column, array(found["mobility"], "mobility_ac").real)


def test_nothing_is_replaced_silently(tmp_path: Path) -> None:
    path = table_of(tmp_path / "a.csv", QUANTUM.sample(1.0, 200.0))
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / SUMMARY).write_text("mine")
    with pytest.raises(StoreError, match=SUMMARY):
        analysed(path, folder)
    assert [item.name for item in folder.iterdir()] == [SUMMARY]
    analysed(path, folder, overwrite=True)
    assert "mine" not in (folder / SUMMARY).read_text()
    with pytest.raises(StoreError, match="is not a directory"):
        analysed(path, path)
    with pytest.raises(StoreError, match="replaced by its own results"):
        analysed(folder / "correlation.h5", folder, overwrite=True)


def test_what_is_skipped_leaves_no_older_file(tmp_path: Path) -> None:
    path = table_of(tmp_path / "a.csv", QUANTUM.sample(1.0, 200.0))
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "moments.h5").write_text("of another table")
    with pytest.raises(StoreError, match=r"moments\.h5 exist"):
        analysed(path, folder, skip=OPTIONAL)
    found = analysed(path, folder, skip=OPTIONAL, overwrite=True)
    assert set(found) == {"correlation", "mobility", "kernel"}
    assert not (folder / "moments.h5").exists()
    assert "- moments was skipped as asked." in (folder / SUMMARY).read_text()


def test_results_of_another_kind_are_refused(
    correlation: Callable[..., Result], tmp_path: Path
) -> None:
    write_result(tmp_path / "m.h5", TABLE_KINDS[0].derive(correlation(), SETTINGS))
    with pytest.raises(StoreError, match="holds a result of kind 'mobility'"):
        analysed(tmp_path / "m.h5", tmp_path / "out")


def test_a_run_that_grew_gives_no_numbers(
    correlation: Callable[..., Result], tmp_path: Path
) -> None:
    write_result(tmp_path / "own.h5", correlation(grew=True))
    found = analysed(tmp_path / "own.h5", tmp_path / "out")
    assert math.isnan(number(found["mobility"], "D"))
    page = (tmp_path / "out" / SUMMARY).read_text()
    assert "mobility has no numbers: the state grew" in page


def test_a_failing_step_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = table_of(tmp_path / "a.csv", QUANTUM.sample(1.0, 200.0))
    settings = AnalysisConfig(drude_smith_range_fs=(100.0, 900.0))
    found = analysed(path, tmp_path / "out", settings=settings)
    assert math.isnan(number(found["drude_smith"], "c"))
    assert number(found["mobility"], "D") > 0
    page = (tmp_path / "out" / SUMMARY).read_text()
    assert "- drude_smith has no numbers: fit_range_fs = (100.0, 900.0)" in page


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"band_percent": 0.0}, "band_percent = 0.0: must be a number > 0 and < 100"),
        ({"frequency_max_cm": float("nan")}, "frequency_max_cm = nan"),
        ({"drude_smith_range_fs": [5.0, 1.0]}, "from >= 0 and to > from"),
    ],
)
def test_criteria_are_checked(given: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        analysis_settings(given)
    assert reason in str(caught.value)


def test_criteria_that_are_not_given_have_their_defaults() -> None:
    assert analysis_settings({"band_percent": None}) == AnalysisConfig()
    assert analysis_settings({"band_percent": 2.0}) == AnalysisConfig(band_percent=2.0)


# The example of docs/own-data.md: C(t) = C0 exp(-w^2 t^2/2 - i w^2 hbar t/(2 k_B T)).
EXAMPLE_C0, EXAMPLE_W = 4e-3, 0.08


def example_text() -> str:
    t = np.arange(161)
    slope = 0.5 * EXAMPLE_W**2 * beta(300.0)
    C = EXAMPLE_C0 * np.exp(-0.5 * (EXAMPLE_W * t) ** 2 - 1j * slope * t)
    C[0] = EXAMPLE_C0
    rows = [f"{n},{value.real:.8e},{value.imag:.8e}" for n, value in enumerate(C)]
    lines = [
        "# C(t) = C0 exp(-w^2 t^2/2 - i w^2 hbar t/(2 k_B T)), C0 = 4e-3 angstrom^2/fs^2,",
        "# w = 0.08 rad/fs, T = 300 K",
        HEADER,
        *rows,
    ]
    return "\n".join(lines) + "\n"


def test_the_example_of_the_documentation_is_its_formula() -> None:
    assert EXAMPLE.read_text() == example_text()


def test_the_example_gives_its_mobility(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """D = C0 sqrt(pi/2)/w exp(-(w hbar/k_B T)^2/8), the rate of Marcus times the length squared."""
    command = ["analyse", str(EXAMPLE), "--temperature-K", "300", "--output-folder"]
    command.append(str(tmp_path / "out"))
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == str(tmp_path / "out" / SUMMARY)
    assert "0.14431 cm² V⁻¹ s⁻¹" in out
    assert not err
    D = EXAMPLE_C0 * math.sqrt(math.pi / 2) / EXAMPLE_W
    D *= math.exp(-((EXAMPLE_W * beta(300.0)) ** 2) / 8)
    mobility = read_result(tmp_path / "out" / "mobility.h5")
    assert number(mobility, "D") == pytest.approx(D, rel=1e-6)
    kernel = read_result(tmp_path / "out" / "kernel.h5")
    assert number(kernel, "D_kernel") == pytest.approx(D, rel=1e-4)
    page = (tmp_path / "out" / SUMMARY).read_text()
    left_out = page.partition("## Warnings and what was left out\n\n")[2].partition("\n\n")[0]
    assert left_out == "None."
    assert all((tmp_path / "out" / f"{kind.name}.h5").exists() for kind in TABLE_KINDS)
    assert main(command) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_the_command_prints_every_fault_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(EXAMPLE.read_text().replace("\n7,", "\n7.3,").replace("\n9,", "\n9,x"))
    options = ["--temperature-K", "300", "--output-folder", str(tmp_path / "out")]
    options += ["--skip", *OPTIONAL]
    assert main(["analyse", str(path), *options]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith(f"{path}:13: C_real_A2_fs2 = 'x")
    assert not (tmp_path / "out").exists()


def figure_numbers(folder: Path, figure: ModuleType, *kinds: str) -> list[dict[str, str]]:
    """Draw a figure from the files of an analysis by its command; return the plotted numbers."""
    numbers = folder / "numbers.csv"
    arguments = ["--figure", str(folder / "x.svg"), "--numbers", str(numbers)]
    for kind in kinds:
        arguments += [f"--{kind.replace('_', '-')}", str(folder / f"{kind}.h5")]
    if figure is cutoff:
        arguments += ["--band-paper-units", "0.01"]
    figure.main(arguments)
    with numbers.open() as file:
        return list(csv.DictReader(file))


def test_own_data_have_the_figures_of_computed_data(tmp_path: Path) -> None:
    path = table_of(tmp_path / "a.csv", QUANTUM.sample(1.0, 200.0))
    folder = tmp_path / "out"
    found = analysed(path, folder)
    page = (folder / SUMMARY).read_text()
    for name in FIGURES:
        assert (folder / f"{name}.svg").read_text().startswith("<?xml")
        assert f"]({name}.svg)" in page
    rows = figure_numbers(folder, current, "correlation", "mobility")
    running = [float(row["running_integral_A2_fs"]) for row in rows]
    np.testing.assert_allclose(running, array(found["mobility"], "D_running"), rtol=1e-11)
    assert {(row["point"], row["n_sites"]) for row in rows} == {("a", "")}
    rows = figure_numbers(folder, cutoff, "kernel", "mobility")
    marks = {row["route"]: row["cutoff_fs"] for row in rows}
    assert float(marks["tau_K_band_fs"]) == number(found["kernel"], "tau_K_band_fs")
    rows = figure_numbers(folder, drude_smith, "drude_smith", "mobility")
    assert float(rows[0]["c"]) == pytest.approx(number(found["drude_smith"], "c"))
    assert figure_numbers(folder, conductivity, "mobility")
    assert figure_numbers(folder, kernel_figure, "kernel")
    arguments = ["--figure", str(folder / "x.svg"), "--numbers", str(folder / "x.csv")]
    arguments += ["--band-paper-units", "0.01", "--band-percent", "3"]
    with pytest.raises(StoreError, match=r"analysis of a table .* give results of points"):
        finite_size.main(["--mobility", str(folder / "mobility.h5"), *arguments])


def test_figures_of_arbitrary_units_name_them(tmp_path: Path) -> None:
    case = QUANTUM.sample(1.0, 200.0)
    folder = tmp_path / "out"
    table = table_of(tmp_path / "a.csv", case, header="time_fs,C_real,C_imag")
    found = analysed(table, folder, skip=OPTIONAL)
    assert not (folder / "drude_smith.svg").exists()
    rows = figure_numbers(folder, current, "correlation", "mobility")
    assert float(rows[0]["re_C_JJ_over_C0"]) == 1.0
    assert not any("A2" in name or "cm2" in name for name in rows[0])
    rows = figure_numbers(folder, cutoff, "kernel", "mobility")
    last = [row for row in rows if row["route"] == "direct integral"][-1]
    final = float(array(found["mobility"], "D_running")[-1])
    assert float(last["integral_over_C0_fs"]) == pytest.approx(final)
    rows = figure_numbers(folder, conductivity, "mobility")
    assert float(rows[0]["re_response_over_C0_fs"]) == pytest.approx(final, rel=1e-6)


def test_a_wrong_unit_of_time_is_suspected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = QUANTUM.sample(1.0, 200.0)
    for name, header in (("a", HEADER), ("b", HEADER.replace("fs", "ps", 1))):
        table = table_of(tmp_path / f"{name}.csv", case, header=header)
        options = ["--temperature-K", "300", "--output-folder", str(tmp_path / name)]
        assert main(["analyse", str(table), *options, "--skip", *OPTIONAL]) == 0
        page = (tmp_path / name / SUMMARY).read_text()
        said = capsys.readouterr().err
        assert ("the times look like fs" in said) == ("SUSPECT" in page) == (name == "b")


def test_a_table_whose_name_is_not_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest cannot hold what is printed: the name is in it
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    path = tmp_path / os.fsdecode(b"Probe_3\xb5m.csv")
    table_of(path, QUANTUM.sample(1.0, 200.0))
    out = tmp_path / os.fsdecode(b"out\xb5")
    options = ["--temperature-K", "300", "--output-folder", str(out), "--skip", *OPTIONAL]
    assert main(["analyse", str(path), *options]) == 0
    stored = read_result(out / "mobility.h5")
    assert stored.parameters["table"]["file"] == "Probe_3\\xb5m.csv"
    assert "Probe_3\\xb5m.csv" in (out / SUMMARY).read_text(encoding="utf-8")
