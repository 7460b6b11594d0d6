import numpy as np
import pytest
from numpy.testing import assert_allclose

from smallpolaron.analysis.finite_size import finite_size_table
from smallpolaron.model.units import mobility_cm2, paper_units

NOT_FLAGGED = [False] * 5


def from_paper(values):
    return np.array(values) / paper_units(1.0)


def test_first_size_that_enters_and_stays():
    D = from_paper([0.331, 0.3367, 0.331, 0.3361, 0.336])
    table = finite_size_table([3, 4, 5, 6, 8], D, NOT_FLAGGED, 300.0)
    assert table.band.n_sites == 6
    assert table.percent.n_sites == 6
    assert "N = 8" in table.reference
    row = table.rows[0]
    assert_allclose(row.D_paper, 0.331)
    assert_allclose(row.difference_paper, -0.005, atol=1e-12)
    assert_allclose(row.difference_percent, 100 * (0.331 / 0.336 - 1.0))
    assert_allclose(row.mobility_cm2, mobility_cm2(D[0], 300.0))


def test_the_two_bands_differ():
    D = from_paper([1.80, 1.85, 1.862, 1.861, 1.862])
    table = finite_size_table([4, 6, 8, 10, 12], D, NOT_FLAGGED, 300.0)
    assert table.percent.n_sites == 6
    assert table.band.n_sites == 8


def test_sizes_are_sorted():
    D = from_paper([0.336, 0.336, 0.331])
    table = finite_size_table([8, 6, 3], D, [False] * 3, 300.0)
    assert [row.n_sites for row in table.rows] == [3, 6, 8]
    assert table.band.n_sites == 6


def test_flagged_sizes_are_shown_but_never_used():
    D = from_paper([0.331, 0.336, 0.336, 0.337, 0.5])
    table = finite_size_table([3, 4, 5, 6, 8], D, [False, True, False, False, True], 300.0)
    assert "N = 6" in table.reference
    assert table.band.n_sites == 5
    assert [row.flagged for row in table.rows] == [False, True, False, False, True]
    assert_allclose(table.rows[-1].difference_paper, 0.163)


def test_the_reference_itself_is_no_proof():
    table = finite_size_table([3, 4], from_paper([0.3, 0.336]), [False] * 2, 300.0)
    assert table.band.n_sites is None
    assert "reference itself" in table.band.reason


def test_a_given_reference():
    D = from_paper([0.3, 0.335])
    table = finite_size_table([3, 6], D, [False] * 2, 300.0, float(from_paper(0.336)))
    assert table.band.n_sites == 6
    table = finite_size_table([3, 6], D, [False] * 2, 300.0, float(from_paper(0.36)))
    assert table.band.n_sites is None
    assert "outside the band" in table.band.reason


@pytest.mark.parametrize("flags", [[True, True], [True, False]])
def test_too_few_usable_sizes_say_so(flags):
    table = finite_size_table([3, 4], from_paper([0.3, 0.336]), flags, 300.0)
    assert table.band.n_sites is None
    assert "compute more sizes" in table.band.reason
    assert len(table.rows) == 2


def test_all_flagged_with_a_given_reference():
    table = finite_size_table([3, 4], from_paper([0.3, 0.336]), [True, True], 300.0, 0.047)
    assert table.percent.n_sites is None
    assert "only 0 size(s)" in table.percent.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([3, 4], [0.1], [False]), r"have 2, 1, 1 entries"),
        (([], [], []), r"at least one"),
        (([3, 3], [0.1, 0.1], [False] * 2), r"contains 3 twice"),
        (([1, 3], [0.1, 0.1], [False] * 2), r"contains 1: must be whole"),
        (([3, 4], [0.1, np.nan], [False] * 2), r"D_A2_fs\[1\] = nan"),
    ],
)
def test_malformed_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        finite_size_table(*arguments, 300.0)
