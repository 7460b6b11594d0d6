"""Anyone's C(t) and sigma(omega): arrays or tables in, the same objects out as of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike

from smallpolaron.analysis.fits.measured_conductivity import (
    MeasuredFits,
    fit_measured,
    judged_noise,
)
from smallpolaron.analysis.hermite import make_series
from smallpolaron.analysis.mobility import mobility as diffusion
from smallpolaron.api.outcome import need_matplotlib
from smallpolaron.api.outcomes import CurrentCorrelation, MemoryKernel
from smallpolaron.model.units import RAD_FS_PER_THZ
from smallpolaron.own_data.conductivity_fit import MODEL_COLUMNS, messages, model_rows
from smallpolaron.own_data.conductivity_table import ConductivityTable, read_conductivity
from smallpolaron.own_data.correlation_table import Kind
from smallpolaron.own_data.table_analysis import correlation_of_table
from smallpolaron.results.provenance import Stopwatch, collect
from smallpolaron.results.store import Result, Variable
from smallpolaron.tables.names import TableError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_NAMES = ("C", "dC", "d2C")
_ARRAYS: Final = "arrays"
"""What stands in place of the name of a file."""


def own_correlation(
    source: str | Path | ArrayLike,
    C: ArrayLike | None = None,
    *,
    temperature_K: float | None = None,
    dC: ArrayLike | None = None,
    d2C: ArrayLike | None = None,
    kind: Kind = "quantum",
    unit: str | None = "angstrom^2/fs^2",
) -> CurrentCorrelation:
    """Return a current autocorrelation function that somebody else computed.

    Args:
        source: a table (text, HDF5, .npy, .npz; docs/own-data.md), or even times from 0, fs.
        C: C(t) at those times, complex; None with a table.
        temperature_K: temperature, K; None where the table holds it.
        dC: its exact derivative per fs, if known: it raises the order of every integral.
        d2C: its exact second derivative per fs^2, if known.
        kind: "quantum" (complex C), "classical" (real C, in place of the Kubo transform).
        unit: unit of C where the table does not say it.

    Returns:
        The function with the gates that one of unknown origin can be put to.

    Raises:
        TableError: everything that is wrong with it, with what is allowed and what to do.
    """
    if C is None:
        given = None if unit == "angstrom^2/fs^2" else unit
        return CurrentCorrelation(
            correlation_of_table(Path(str(source)), temperature_K, kind, given)[0]
        )
    given_arrays = zip(_NAMES, (C, dC, d2C), strict=True)
    arrays: dict[str, Any] = {name: np.asarray(v) for name, v in given_arrays if v is not None}
    if kind == "classical":
        arrays = {name: np.real(array) for name, array in arrays.items()}
    with TemporaryDirectory() as folder:
        # as a table: what is refused, and how it is said, is the same
        path = Path(folder) / _ARRAYS
        columns = {"time_fs": np.asarray(source), **arrays}
        fields: Any = [(name, values.dtype) for name, values in columns.items()]
        table: Any = np.rec.fromarrays(list(columns.values()), dtype=fields)
        with path.open("wb") as file:
            np.save(file, table, allow_pickle=False)
        try:
            return CurrentCorrelation(correlation_of_table(path, temperature_K, kind, unit)[0])
        except TableError as error:
            raise TableError(_ARRAYS, error.problems) from None


def memory_kernel(
    source: CurrentCorrelation | ArrayLike,
    C: ArrayLike | None = None,
    *,
    dC: ArrayLike | None = None,
    d2C: ArrayLike | None = None,
    temperature_K: float | None = None,
    **criteria: Any,
) -> MemoryKernel:
    """Return the Mori memory kernel of a run, or of a correlation function given by arrays.

    Args:
        source: a current correlation, or even times from 0, fs.
        C: C(t) at those times, complex or real, in any unit; D is in that unit times fs.
        dC: its exact derivative per fs, if known.
        d2C: its exact second derivative per fs^2, if known.
        temperature_K: temperature, K, for the column of mobilities; None leaves that out.
        **criteria: band_percent and band_paper_units, as in the section analysis of a study.

    Raises:
        ValueError: arrays of which no kernel can be made; the message says why.
    """
    if isinstance(source, CurrentCorrelation):
        return source.memory_kernel(**criteria)
    if C is None:
        raise ValueError("C is not given; memory_kernel takes a run, or times and C(t)")
    series = {"C_JJ": C, "dC_JJ": dC, "d2C_JJ": d2C}
    arrays = {k: np.asarray(v, dtype=complex) for k, v in series.items() if v is not None}
    times = np.asarray(source, dtype=float)
    known = temperature_K is not None
    T = temperature_K if temperature_K is not None else 1.0
    diffusion(make_series(times, C, dC, d2C), T)  # refuses
    variables = {"time_fs": Variable(times, ("time",), "fs", "Time.")} | {
        name: Variable(array, ("time",), "angstrom^2 fs^-2", "As given.")
        for name, array in arrays.items()
    }
    parameters = {"point": _ARRAYS, "model": {"temperature_K": T}, "table": {"file": _ARRAYS}}
    stored = Result("correlation", variables, parameters, (), collect("", Stopwatch()))
    kernel = CurrentCorrelation(stored).memory_kernel(**criteria)
    if "reason" in kernel.stored.notes:
        raise ValueError(kernel.stored.notes["reason"])
    if known:
        return kernel
    kept = {k: v for k, v in kernel.stored.variables.items() if k != "mobility_cutoff"}
    return MemoryKernel(replace(kernel.stored, variables=kept))


@dataclass(frozen=True)
class ConductivityFits:
    """Drude-Smith and its rivals fitted to a measured conductivity, best first.

    Attributes:
        table: what was fitted: frequencies, conductivity, noise, and remarks on them.
        fits: models, errors and criteria.
    """

    table: ConductivityTable
    fits: MeasuredFits

    @property
    def believed(self) -> bool:
        """Whether Drude-Smith may be believed."""
        return self.fits.believed

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per model and quantity: value, error, 95 % interval, criteria."""
        import pandas as pd

        return pd.DataFrame(
            list(model_rows(self.fits, self.table.unit)), columns=list(MODEL_COLUMNS)
        )

    def plot(self) -> Figure:
        """Draw the data with Drude-Smith, Drude and the best other model (needs matplotlib)."""
        need_matplotlib()
        from smallpolaron.own_data.measured_fit import draw

        return draw(self.table, self.fits)

    def __repr__(self) -> str:
        """Return remarks, ranking and verdict, as the command fit prints them."""
        return "\n".join(messages(self.table, self.fits))


def fit_conductivity(
    source: str | Path | ArrayLike,
    sigma: ArrayLike | None = None,
    error: ArrayLike | None = None,
    *,
    conjugate: bool = False,
) -> ConductivityFits:
    """Fit Drude-Smith and its rivals to a measured conductivity and rank them.

    Args:
        source: a table (text, HDF5, .npy, .npz; docs/inverse.md), or increasing frequencies, THz,
            at least 8.
        sigma: complex conductivity at those, in any unit, for exp(-i w t): Im sigma > 0 of Drude;
            None with a table.
        error: standard errors of its parts; None takes them from the scatter.
        conjugate: change the sign of the imaginary part: of data for exp(+i w t).

    Returns:
        All models with parameters, errors and ranks, and whether Drude-Smith may be believed.

    Raises:
        ValueError: not such a table; the message says why.
    """
    if sigma is None:
        table = read_conductivity(Path(str(source)), conjugate=conjugate)
    else:
        omega = RAD_FS_PER_THZ * np.asarray(source, dtype=float)
        values = np.asarray(sigma, dtype=complex)
        values = values.conj() if conjugate else values
        noise = judged_noise(omega, values, error)
        table = ConductivityTable(_ARRAYS, omega, values, noise, "", (noise.text,))
    return ConductivityFits(table, fit_measured(table.omega, table.sigma, table.noise))
