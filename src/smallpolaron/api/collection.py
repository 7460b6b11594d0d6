"""Results from files, and many results in one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from smallpolaron.api.outcome import Outcome
from smallpolaron.api.outcomes import (
    CurrentCorrelation,
    Mobility,
    PopulationKernel,
    Populations,
    wrapped,
)
from smallpolaron.derive.derive import with_criteria
from smallpolaron.derive.population_kernel_job import population_kernel_result
from smallpolaron.derive.result_tables import FINITE_SIZE_COLUMNS, finite_size_rows
from smallpolaron.results import store
from smallpolaron.results.kinds import KINDS
from smallpolaron.study.physical_system import lattice_text
from smallpolaron.study.validation import analysis_settings

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Source = Outcome | str | Path
_SHORT = {"lattice_constant_A": "spacing_A"}


def read_result(path: str | Path) -> Outcome:
    """Read a result file, of a script or of a study.

    Raises:
        StoreError: no such file, damaged, or not one of this program.
    """
    return wrapped(store.read_result(path))


@overload
def collect(sources: Source | Iterable[Source], kind: str | None = ...) -> pd.DataFrame: ...
@overload
def collect(
    sources: Source | Iterable[Source], kind: str | None = ..., *, arrays: Literal[True]
) -> xr.Dataset: ...
def collect(
    sources: Source | Iterable[Source], kind: str | None = None, *, arrays: bool = False
) -> pd.DataFrame | xr.Dataset:
    """Return many results as one table, a row per result, or as one dataset.

    Args:
        sources: results, result files, folders (searched with all they hold, such as
            results/mystudy), or a list of those.
        kind: only results of this kind, such as "mobility"; None for all.
        arrays: return an xarray dataset of all variables with the dimension point instead; needs
            results of one kind.

    Returns:
        pandas.DataFrame with parameters, scalars, errors, gates and file, in the order of the
        sources; flagged results are in it and marked.

    Raises:
        StoreError: a file that is no sound result.
        ValueError: nothing found, or arrays of several kinds.
    """
    given = [sources] if isinstance(sources, (Outcome, str, Path)) else list(sources)
    found = [
        (name, outcome)
        for source in given
        for name, outcome in _read(source, kind)
        if kind in (None, outcome.kind)
    ]
    if not found:
        raise ValueError(
            f"no results{f' of kind {kind}' if kind else ''} in {', '.join(map(str, given))}; name "
            f"result files or their folders; kinds are {', '.join(KINDS)}"
        )
    if not arrays:
        import pandas as pd

        return pd.DataFrame([_row(name, outcome) for name, outcome in found])
    import xarray as xr

    kinds = sorted({outcome.kind for _, outcome in found})
    if len(kinds) > 1:
        raise ValueError(f"arrays of several kinds, {', '.join(kinds)}; choose one with kind=")
    points = xr.Variable("point", [outcome.parameters.get("point") for _, outcome in found])
    sets = [outcome.to_xarray().drop_attrs(deep=False) for _, outcome in found]
    return xr.concat(sets, dim=points, join="outer", data_vars="all")


def _read(source: Source, kind: str | None) -> Iterator[tuple[str, Outcome]]:
    if isinstance(source, Outcome):
        yield "", source
        return
    path = Path(source)
    files = sorted(path.rglob("*.h5")) if path.is_dir() else [path]
    for file in files:
        # a folder of a study is named after the kind of its files
        if kind and path.is_dir() and file.parent.name in KINDS and file.parent.name != kind:
            continue
        if any(part.startswith(".") for part in file.relative_to(path).parts):
            continue  # checkpoints
        yield str(file), read_result(file)


def _row(name: str, outcome: Outcome) -> dict[str, Any]:
    parameters = outcome.parameters
    row: dict[str, Any] = {"kind": outcome.kind, "point": parameters.get("point")}
    for section in ("model", "bath"):
        for key, value in parameters.get(section, {}).items():
            row[_SHORT.get(key, key)] = value
    if "lattice" in parameters:
        row["lattice"] = lattice_text(outcome.stored.resolved)
    for key in ("accuracy", "start", "start_site"):
        if key in parameters:
            row[key] = parameters[key]
    for key, variable in outcome.stored.variables.items():
        if not variable.dims:
            number = np.asarray(variable.data)
            row[key] = number.real.item() if number.dtype.kind == "c" else number.item()
    return row | {
        "flagged": outcome.flagged,
        "failed_gates": ", ".join(outcome.failed_gates),
        "seconds": outcome.seconds,
        "file": name,
    }


def finite_size(results: Sequence[Mobility | CurrentCorrelation], **criteria: Any) -> pd.DataFrame:
    """Return mobility against the number of sites, with the size from which it has converged.

    Args:
        results: mobilities, or current correlations, of one or several systems, of any sizes.
        **criteria: band_percent and band_paper_units, as in the section analysis of a study.
    """
    import pandas as pd

    mobilities = [r.mobility() if isinstance(r, CurrentCorrelation) else r for r in results]
    rows = finite_size_rows([m.stored for m in mobilities], analysis_settings(criteria))
    return pd.DataFrame(rows, columns=list(FINITE_SIZE_COLUMNS))


def population_kernel(
    runs: Populations | Sequence[Populations], *, start_site: int | None = None, **criteria: Any
) -> PopulationKernel:
    """Return the memory kernel of the populations, D from it and from the slope.

    Args:
        runs: of a homogeneous ring one run; of others one from every site (of a chain that reads
            the same from both ends, from half of them).
        start_site: start from which kernel and D are seen; None for the one next to the middle.
        **criteria: band_percent and band_paper_units, as in the section analysis of a study.

    Raises:
        StoreError: the runs are not of one system, or start sites are missing.
    """
    given = [runs] if isinstance(runs, Populations) else list(runs)
    settings = analysis_settings(criteria)
    found = population_kernel_result([run.stored for run in given], settings, start_site)
    return PopulationKernel(with_criteria(found, settings))


def drude_smith(source: Mobility | CurrentCorrelation, **criteria: Any) -> Outcome:
    """Fit Drude-Smith to the Kubo transform; see conductivity_models for its rivals."""
    return source.drude_smith(**criteria)


def conductivity_models(source: Mobility | CurrentCorrelation, **criteria: Any) -> Outcome:
    """Fit Drude-Smith and its rivals and rank them."""
    return source.conductivity_models(**criteria)


def kernel_moments(source: Mobility | CurrentCorrelation, **criteria: Any) -> Outcome:
    """Return the moments of the spectrum of the Kubo memory kernel."""
    return source.kernel_moments(**criteria)
