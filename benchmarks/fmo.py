"""Section: populations of the FMO complex, seven pigments, in QuTiP and here."""

from typing import Any, Final

from benchmarks.harness import Data, Harness, Measured
from benchmarks.markdown import bound, number, paragraph, section, table

TITLE: Final = "The FMO complex, against QuTiP"

_CASES: Final = ((300.0, 0, 5), (77.0, 1, 4))
"""Temperature, K; Matsubara terms; depth."""
_QUICK: Final = ((300.0, 0, 2),)
_DURATION_FS: Final = 1000.0
_ACCURACY: Final = 1e-3
_EQUAL: Final = 1e-4
"""Largest difference of populations of two codes that solve the same equations, each to its
tolerance."""


def measure(harness: Harness) -> Data:
    """Run QuTiP, the fixed hierarchy of equal depth and the adaptive one at both temperatures."""
    duration = 100.0 if harness.quick else _DURATION_FS
    rows = []
    for temperature_K, terms, depth in _QUICK if harness.quick else _CASES:
        case: dict[str, Any] = {"temperature_K": temperature_K, "duration_fs": duration}
        equal = {**case, "terms": terms, "depth": depth}
        runs = {
            "qutip": harness.attempt("fmo:peer", **equal),
            "fixed": harness.attempt("fmo:ours", **equal),
            "adaptive": harness.attempt("fmo:ours", **case, terms=None, accuracy=_ACCURACY),
        }
        rows.append({"temperature_K": temperature_K, "terms": terms, "depth": depth, **_row(runs)})
    differences = [row.get("difference") for row in rows]
    return {
        "rows": rows,
        "bounds": [
            bound(f"{row['temperature_K']:g} K: difference at equal depth", value, "<=", _EQUAL)
            for row, value in zip(rows, differences, strict=True)
        ],
    }


def _row(runs: dict[str, Measured | str]) -> Data:
    done = {name: run for name, run in runs.items() if not isinstance(run, str)}
    found: Data = {
        name: {**{k: v for k, v in run.result.items() if k != "populations"}, **run.cost}
        for name, run in done.items()
    }
    curves = {name: run.result["populations"] for name, run in done.items()}
    for name, others in (("difference", "qutip"), ("difference_adaptive", "adaptive")):
        if "fixed" in curves and others in curves:
            found[name] = max(
                abs(a - b)
                for here, there in zip(curves["fixed"], curves[others], strict=True)
                for a, b in zip(here, there, strict=True)
            )
    return found


def render(data: Data) -> str:
    """The section's text."""
    rows = []
    for row in data["rows"]:
        where = (f"{row['temperature_K']:g}", row["terms"], row["depth"])
        for words, name, difference in (
            ("QuTiP", "qutip", row.get("difference")),
            ("ours, same depth", "fixed", None),
            ("ours, adaptive", "adaptive", row.get("difference_adaptive")),
        ):
            run = row.get(name)
            if run is None:
                rows.append((*where, words, "failed", "", "", "", ""))
                continue
            apart = "" if difference is None else number(difference, 2)
            cost = (run["wall_s"], run["core_s"], run["peak_mb"])
            rows.append((*where, words, run["unknowns"], *cost, apart))
    return section(
        paragraph(
            "Seven pigments, λ = 35 cm⁻¹, 50 fs, populations over 1 ps from pigment 1",
            "(examples/fmo.py). QuTiP's `HEOMSolver` and our fixed hierarchy take the same",
            "Matsubara terms, terminators and depth; the adaptive engine its Padé terms and",
            f"accuracy {number(_ACCURACY, 1)}, coarser run and estimate of its error included.",
            "Whole processes. The difference is the largest one of all populations from our fixed",
            "hierarchy: for the adaptive engine it is what the depth and the terms leave out.",
        ),
        table(
            (
                "T (K)",
                "terms",
                "depth",
                "code",
                "unknowns",
                "wall (s)",
                "core-s",
                "peak MB",
                "diff.",
            ),
            rows,
        ),
    )
