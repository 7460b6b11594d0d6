"""What runs and analyses return: numbers with errors, tables, files as a study writes them."""

import pickle
from functools import cache

import numpy as np
import pytest

import smallpolaron as sp
from smallpolaron.api.outcomes import CLASSES
from smallpolaron.archive.verify import verify_file
from smallpolaron.results.store import KINDS
from smallpolaron.runs.inputs import read_input
from smallpolaron.support.problems import ConfigurationError, StoreError
from tests.api.cases import QUICK, RING, quick_run
from tests.results.identity import digest_of

run = cache(quick_run)


@cache
def every_outcome() -> dict[str, sp.Outcome]:
    current, chain = run(), RING.replace(lattice=sp.Lattice.open_chain(3))
    starts = [sp.populations(chain, 60.0, start_site=site, **QUICK) for site in (0, 1)]
    infinite = RING.replace(lattice=sp.Lattice.chain(window=9))
    spread = sp.displacement(infinite, 20.0, **QUICK)
    torus = RING.replace(lattice=sp.Lattice.square(5).finite((3, 3), "periodic"))
    found = [
        sp.mobility_tensor(torus, 20.0, **QUICK | {"accuracy": 3e-2}),
        current,
        current.mobility(),
        current.memory_kernel(),
        current.augmented_kernel(),
        current.drude_smith(),
        current.conductivity_models(),
        current.kernel_moments(),
        starts[1],
        spread,
        spread.spreading(),
        sp.population_kernel(starts),
    ]
    return {outcome.kind: outcome for outcome in found}


def test_every_kind_that_follows_from_a_model_has_a_class():
    assert every_outcome().keys() == CLASSES.keys()
    assert set(CLASSES) <= set(KINDS)


def test_populations_say_where_they_began_and_what_they_ended_with():
    outcome = every_outcome()["population"]
    said = dict(outcome.lines())
    assert said["start"] == "franck-condon, on site 1"
    last = outcome["populations"][-1]
    assert said["at 60 fs"].startswith(", ".join(f"{p:.4g}" for p in last) + " (each ± ")
    (axes,) = outcome.plot().axes
    assert [line.get_label() for line in axes.lines] == ["site 0", "site 1", "site 2"]
    assert axes.lines[2].get_ydata()[-1] == pytest.approx(last[2])


@pytest.mark.parametrize("kind", CLASSES)
def test_what_is_saved_is_read_again_and_sound(tmp_path, kind):
    outcome = every_outcome()[kind]
    path = outcome.save(tmp_path / "file.h5")
    again = sp.read_result(path)
    assert type(again) is type(outcome)
    assert digest_of(again.stored) == digest_of(outcome.stored)
    assert verify_file(path).sound
    read_input(path, (kind,))
    with pytest.raises(StoreError):
        outcome.save(path)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_outcome_has_a_summary_tables_and_a_picture(kind):
    outcome = every_outcome()[kind]
    assert repr(outcome).startswith(outcome.title)
    lines = dict(outcome.lines())
    assert "system" in lines
    assert ("gates" in lines) == bool(outcome.gates)
    assert outcome._repr_html_().count("<tr>") == len(lines)
    data = outcome.to_xarray()
    assert data.attrs["kind"] == kind
    for name, variable in outcome.stored.variables.items():
        dims = variable.dims
        if dims and not name.startswith(dims[0]):
            label = name.replace("/", "_")
            np.testing.assert_array_equal(data[label].values, variable.data)
            assert data[label].attrs["units"] == variable.units
    table = outcome.to_dataframe()
    assert len(table) > 3
    figure = outcome.plot()
    assert figure.axes
    assert digest_of(pickle.loads(pickle.dumps(outcome)).stored) == digest_of(outcome.stored)


def test_series_are_attributes_and_errors_have_their_unit():
    current = run()
    assert current.time_fs.shape == current.C_JJ.shape == (101,)
    assert "C_JJ" in dir(current)
    mobility = current.mobility().value("mobility")
    assert mobility.units == "cm^2 V^-1 s^-1"
    assert float(mobility) == float(current.mobility()) == current.mobility()["mobility"]
    assert 0 < mobility.error < 0.05 * mobility.value
    assert mobility.error == current.mobility()["mobility_error"]
    with pytest.raises(AttributeError):
        _ = current.no_such
    with pytest.raises(KeyError, match="C_JJ"):
        _ = current["no such"]
    with pytest.raises(KeyError, match="time"):
        current.to_dataframe("no such")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (sp.Value(0.48218, 0.00063, "cm^2 V^-1 s^-1"), "0.48218 ± 0.00063 cm² V⁻¹ s⁻¹"),
        (sp.Value(12.3, float("nan"), "fs"), "12.3 fs"),
        (sp.Value(float("nan"), 1.0, "fs"), "not determined fs"),
        (sp.Value(151.2, 31.0, "1"), "151 ± 31"),
        (sp.Value(1.0e-9, 2.0e-11, "1"), "1e-09 ± 2e-11"),
    ],
)
def test_a_value_shows_the_digits_that_its_error_leaves(value, text):
    assert str(value) == repr(value) == text


def test_criteria_reach_the_analysis_and_are_kept():
    wide, narrow = (run().memory_kernel(band_percent=p) for p in (10.0, 0.5))
    assert wide.cutoff_time() <= narrow.cutoff_time()
    assert wide.stored.provenance["analysis"]["band_percent"] == 10.0
    for criteria in ({"band_percent": -1.0}, {"bands": 3}):
        with pytest.raises(ConfigurationError) as caught:
            run().memory_kernel(**criteria)
        assert caught.value.problems[0].key == next(iter(criteria))


def test_the_same_model_gives_the_same_numbers_at_other_frequencies():
    more = sp.current_correlation(RING, 200.0, frequencies_cm=[0.0, 30.0], **QUICK)
    np.testing.assert_allclose(more.C_JJ, run().C_JJ, rtol=0, atol=1e-12)
    solved = more["resolvent/current_transform"]
    assert solved[0].real == pytest.approx(more["resolvent/D"], rel=1e-6)


def test_collect_makes_one_table_of_results_files_and_folders(tmp_path):
    warm = quick_run(RING.replace(temperature_K=400))
    mobilities = [run().mobility(), warm.mobility()]
    table = sp.collect(mobilities)
    assert list(table["temperature_K"]) == [300, 400]
    assert list(table["mobility"]) == [float(m) for m in mobilities]
    assert list(table["flagged"]) == [m.flagged for m in mobilities]
    for outcome in (run(), warm):
        outcome.save(tmp_path / "correlation" / f"{outcome.parameters['point']}.h5")
        outcome.mobility().save(tmp_path / "mobility" / f"{outcome.parameters['point']}.h5")
    folder = sp.collect(tmp_path, "mobility")
    assert sorted(folder["mobility"]) == sorted(table["mobility"])
    assert set(sp.collect(tmp_path)["kind"]) == {"correlation", "mobility"}
    data = sp.collect(mobilities, arrays=True)
    assert data.sizes["point"] == 2
    np.testing.assert_array_equal(data["D"], table["D"])
    np.testing.assert_array_equal(data["C_kubo"].isel(point=1), mobilities[1].C_kubo)
    with pytest.raises(ValueError, match="moments"):
        sp.collect(tmp_path, "moments")
    with pytest.raises(ValueError, match="kind"):
        sp.collect([run(), mobilities[0]], arrays=True)


def test_finite_size_compares_rings():
    runs = [run(), quick_run(RING.replace(lattice=sp.Lattice.ring(4)))]
    table = sp.finite_size(runs)
    assert list(table["n_sites"]) == [3, 4]
    assert list(table["mobility_cm2_Vs"]) == [float(r.mobility()) for r in runs]


@pytest.mark.mpi
def test_every_rank_has_the_result(tmp_path):
    from smallpolaron.parallel import MPI

    found = quick_run(duration_fs=60.0)
    first = MPI.COMM_WORLD.bcast(digest_of(found.stored))
    assert digest_of(found.stored) == first
    assert sp.rank() == MPI.COMM_WORLD.rank
    path = found.save(MPI.COMM_WORLD.bcast(str(tmp_path / "run.h5")))
    MPI.COMM_WORLD.allreduce(0)
    assert digest_of(sp.read_result(path).stored) == first
