"""Arrays of one's own give what the run they come from gives."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

import smallpolaron as sp
from smallpolaron.tables.names import TableError
from tests.api.cases import quick_run
from tests.results.identity import digest_of

run = cache(quick_run)


def test_a_kernel_of_arrays_is_that_of_the_run():
    source = run()
    whole = source.memory_kernel()
    assert sp.memory_kernel(source).stored.variables["K"].units == whole.stored.variables["K"].units
    with pytest.raises(ValueError, match="C "):
        sp.memory_kernel(source.time_fs)
    own = sp.memory_kernel(source.time_fs, source.C_JJ, dC=source.dC_JJ, d2C=source.d2C_JJ)
    np.testing.assert_array_equal(own.K, whole.K)
    assert own.cutoff_time() == whole.cutoff_time()
    assert "mobility_cutoff" not in own.stored.variables
    warm = sp.memory_kernel(source.time_fs, source.C_JJ, temperature_K=300)
    assert np.all(np.isfinite(warm.mobility_cutoff[-3:]))


def test_an_exponential_has_no_memory():
    # C = exp(-kt): C' = -k C is all in the instantaneous term, the kernel itself is zero
    t = np.arange(0, 200, 0.5)
    kernel = sp.memory_kernel(t, np.exp(-t / 20), dC=-np.exp(-t / 20) / 20)
    assert kernel["D_kernel"] == pytest.approx(20, rel=1e-3)
    assert np.max(np.abs(kernel.K)) < 1e-12 / 20**2


@pytest.mark.parametrize(
    ("t", "C"),
    [
        ([0, 1, 2], [1, 2]),
        ([1, 2, 3, 4], [1, 0.5, 0.2, 0.1]),
        ([0, 1, 3, 4], [1, 0.5, 0.2, 0.1]),
        ([0, 1, 2, 3], [1, 0.5, np.nan, 0.1]),
    ],
)
def test_a_kernel_of_no_series_is_refused(t, C):
    with pytest.raises(ValueError, match=r"\w"):
        sp.memory_kernel(t, C)


def test_own_arrays_have_the_mobility_of_the_run():
    source = run()
    own = sp.own_correlation(
        source.time_fs, source.C_JJ, temperature_K=300, dC=source.dC_JJ, d2C=source.d2C_JJ
    )
    assert float(own.mobility()) == pytest.approx(float(source.mobility()), rel=1e-12)
    assert own.gates
    assert "arrays" in repr(own)
    with pytest.raises(TableError) as caught:
        sp.own_correlation(source.time_fs, source.C_JJ)
    assert caught.value.problems[0].key == "temperature_K"
    assert str(caught.value).startswith("arrays: ")


def test_a_table_is_read(tmp_path):
    source = run()
    path = tmp_path / "c.csv"
    columns = np.column_stack([source.time_fs, source.C_JJ.real, source.C_JJ.imag])
    header = "time_fs,C_real (angstrom^2/fs^2),C_imag (angstrom^2/fs^2)"
    np.savetxt(path, columns, delimiter=",", header=header, comments="")
    own = sp.own_correlation(path, temperature_K=300)
    assert float(own.mobility()) == pytest.approx(float(source.mobility()), rel=1e-3)
    own = sp.own_correlation(source.save(tmp_path / "run.h5"))
    assert digest_of(own.stored) == digest_of(source.stored)


def test_a_conductivity_is_fitted_by_the_model_it_was_made_with():
    f = np.linspace(0.2, 2.5, 40)
    omega = 2e-3 * np.pi * f
    k, c = 0.01, -0.7
    sigma = (1 + c * k / (k - 1j * omega)) / (k - 1j * omega)
    noise = np.random.default_rng(1).normal(size=(2, 40)) * 0.5
    sigma += noise[0] + 1j * noise[1]
    fits = sp.fit_conductivity(f, sigma, np.full(40, 0.5))
    other = sp.fit_conductivity(f, sigma.conj(), np.full(40, 0.5), conjugate=True)
    assert other.to_dataframe().equals(fits.to_dataframe())
    assert [axes.get_xlabel() for axes in fits.plot().axes[2:]] == 2 * ["frequency (THz)"]
    table = fits.to_dataframe().query("model == 'drude_smith'").set_index("quantity")
    assert table.loc["c", "value"] == pytest.approx(c, abs=0.05)
    assert table.loc["c", "low_95"] < c < table.loc["c", "high_95"]
    assert fits.fits.text in repr(fits)


def test_a_table_of_a_conductivity_is_fitted():
    path = Path(__file__).parents[1] / "own_data" / "data" / "tables" / "messung.csv"
    fits = sp.fit_conductivity(path)
    assert fits.believed
    table = fits.to_dataframe().query("model == 'drude_smith'").set_index("quantity")
    assert table.loc["c", "value"] == pytest.approx(-0.78, abs=0.01)
    assert table.loc["sigma_0", "unit"] == "S/cm"


def test_the_picture_of_a_fit_shows_what_was_fitted():
    fit = run().drude_smith()
    curves = [line.get_label() for line in fit.plot().axes[0].lines]
    assert "computed" in curves
    assert len(type(fit)(fit.stored).plot().axes[0].lines) == 1  # a file holds the fit alone


def test_the_picture_of_a_kernel_shows_its_cutoff_time():
    kernel = run().memory_kernel(band_percent=5.0)
    shown = [line.get_xdata()[0] for line in kernel.plot().axes[0].lines if line.get_ls() == "-."]
    assert shown == [kernel.cutoff_time()]
