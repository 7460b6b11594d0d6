"""The correlation function that tables of every form hold."""

from __future__ import annotations

import numpy as np

from smallpolaron.own_data.correlation_table import CorrelationTable
from tests.analysis.analytic_cases import TEMPERATURE, GaussianBands

CASE = GaussianBands(weights=(1e-3, 6e-4)).sample(1.0, 200.0)


def assert_is_the_case(table: CorrelationTable) -> None:
    np.testing.assert_allclose(table.time_fs, CASE.time, rtol=1e-12)
    np.testing.assert_allclose(table.C, CASE.C, rtol=1e-12, atol=1e-18)
    assert table.is_absolute
    assert table.temperature_K == TEMPERATURE
