"""Section: the same task in QuTiP's HEOMSolver."""

from collections.abc import Sequence
from typing import Final

from benchmarks.harness import Data, Harness, Measured
from benchmarks.markdown import bound, number, paragraph, section, table

TITLE: Final = "QuTiP"

_TASK: Final = {"eta_cm": 100.0, "gamma_cm": 50.0, "duration_fs": 300.0}
_QUTIP: Final = {"preparation_fs": 900.0, "rtol": 1e-6, "atol": 1e-8}
_METHODS: Final = ("adams", "bdf", "tsit5", "vern7")
"""QuTiP's integrators that need no dense Jacobian and were not slower by far (dop853 was)."""

_TINY: Final = {"n_sites": 3, "eta_cm": 100.0, "gamma_cm": 50.0, "duration_fs": 2.0}
_STARTS: Final[tuple[tuple[str, str, Data], ...]] = (
    (
        "qutip",
        "qutip_ring:correlation",
        {**_QUTIP, "preparation_fs": 2.0, "depth": 1, "method": "adams"},
    ),
    ("fixed", "fixed:correlation", {"depth": 1}),
    ("adaptive", "adaptive:single_run", {"accuracy": 1e-2, "matsubara_terms": 0}),
)
"""What a process of each kind takes before it computes: name, case, what the case needs more."""

_SIZES: Final = tuple((n, depth) for n in (4, 5, 6) for depth in (8, 10, 12))
_QUICK_SIZES: Final = ((3, 4), (4, 6))
_LARGER: Final = (7, 12)
"""One size beyond, with the integrator that was fastest before: minutes for QuTiP."""

_EQUAL = 2e-3
"""Relative difference of D up to which two runs count as equally accurate."""


def measure(harness: Harness) -> Data:
    """Run both codes on the same rings; of QuTiP's integrators the fastest one counts.

    All are tried on the smallest ring; the larger ones take its default and the fastest before.
    """
    sizes = _QUICK_SIZES if harness.quick else _SIZES
    # twice: the first one may have to compile
    for _ in range(2):
        starts = {name: harness.run(case, **_TINY, **more).cost for name, case, more in _STARTS}
        stack = harness.run("stack:load").cost
    rows: list[Data] = []
    for n_sites, depth in sizes:
        methods: Sequence[str] = _METHODS
        if rows and n_sites > sizes[0][0] and "qutip" in rows[-1]:
            methods = sorted({rows[-1]["qutip"]["method"], _METHODS[0]})
        rows.append(_compare(harness, n_sites, depth, methods))
    bounds = _bounds(rows[-1], starts["adaptive"])
    if not harness.quick and "qutip" in rows[-1]:
        rows.append(_compare(harness, *_LARGER, (rows[-1]["qutip"]["method"],)))
    return {"starts": starts, "stack": stack, "rows": rows, "bounds": bounds}


def _compare(harness: Harness, n_sites: int, depth: int, methods: Sequence[str]) -> Data:
    """Run QuTiP with these integrators and both of our engines on one ring."""
    case = {"n_sites": n_sites, **_TASK}
    peer = {
        method: harness.attempt(
            "qutip_ring:correlation", **case, **_QUTIP, depth=depth, method=method
        )
        for method in methods
    }
    fixed = harness.attempt("fixed:correlation", **case, depth=depth)
    adaptive = harness.attempt("adaptive:correlation", **case, accuracy=1e-3, matsubara_terms=0)
    single = harness.attempt("adaptive:single_run", **case, accuracy=1e-3, matsubara_terms=0)
    return _row(n_sites, depth, peer, {"fixed": fixed, "adaptive": adaptive, "single": single})


def _row(
    n_sites: int,
    depth: int,
    peer: dict[str, Measured | str],
    ours: dict[str, Measured | str],
) -> Data:
    """What is left of the runs: those of QuTiP that reach the accuracy, the fastest of them."""
    row: Data = {"n_sites": n_sites, "depth": depth}
    for name, run in ours.items():
        row[name] = {"failed": run} if isinstance(run, str) else {**run.result, **run.cost}
    row["methods"] = {
        name: {"failed": run} if isinstance(run, str) else {**run.result, **run.cost}
        for name, run in peer.items()
    }
    exact = row["fixed"].get("D")
    good = {
        name: run
        for name, run in row["methods"].items()
        if "D" in run and exact is not None and abs(run["D"] / exact - 1) <= _EQUAL
    }
    if good:
        fastest = min(good, key=lambda name: good[name]["wall_s"])
        row["qutip"] = {**good[fastest], "method": fastest}
    return row


def _bounds(row: Data, start: Data) -> list[Data]:
    where = f"N = {row['n_sites']}, depth {row['depth']}"
    peer, ours = row.get("qutip", {}), row["single"]

    def ratio(key: str) -> float | None:
        return peer[key] / ours[key] if key in peer and key in ours else None

    difference = None
    if "D" in peer and "D" in ours:
        difference = abs(ours["D"] / peer["D"] - 1)
    return [
        bound("start-up: wall time", start["wall_s"], "<=", 1.0, "s"),
        bound("start-up: peak memory", start["peak_mb"], "<=", 130, "MB"),
        bound(f"{where}: wall time, whole process, QuTiP / ours", ratio("wall_s"), ">=", 30),
        bound(f"{where}: peak memory, whole process, QuTiP / ours", ratio("peak_mb"), ">=", 5),
        bound(f"{where}: relative difference of D", difference, "<=", 2 * _EQUAL),
    ]


def _method_cell(run: Data | None, exact: float | None) -> str:
    if run is None:
        return "not run"
    if "D" not in run or exact is None:
        return "failed"
    return f"{number(run['wall_s'])} s, {run['D'] / exact - 1:+.1e}"


def render(data: Data) -> str:
    """The section's text."""
    starts = data["starts"]
    rows, methods = [], []
    names = list(data["rows"][0]["methods"])
    for row in data["rows"]:
        exact = row["fixed"].get("D")
        for name, key, base in (
            (f"QuTiP, {row.get('qutip', {}).get('method', 'none accurate')}", "qutip", "qutip"),
            ("ours, same depth", "fixed", "fixed"),
            ("ours, adaptive, one run", "single", "adaptive"),
            ("ours, adaptive, with error estimate", "adaptive", "adaptive"),
        ):
            run = row.get(key, {})
            if "D" not in run:
                rows.append((row["n_sites"], row["depth"], name, "failed", *[None] * 5, "", ""))
                continue
            peer = row.get("qutip")
            rows.append(
                (
                    row["n_sites"],
                    row["depth"],
                    name,
                    number(run["D"], 5),
                    run.get("unknowns", run.get("labels")),
                    run["wall_s"],
                    run["wall_s"] - starts[base]["wall_s"],
                    run["peak_mb"],
                    run["peak_mb"] - starts[base]["peak_mb"],
                    f"{number(peer['wall_s'] / run['wall_s'])}×" if peer else "",
                    f"{number(peer['peak_mb'] / run['peak_mb'])}×" if peer else "",
                )
            )
        methods.append(
            (
                row["n_sites"],
                row["depth"],
                *(_method_cell(row["methods"].get(name), exact) for name in names),
            )
        )
    return section(
        paragraph(
            "Equilibrium, then C_JJ over 300 fs and its integral D (paper units) on rings with η =",
            "100, γ = 50 cm⁻¹, one exponential per bath and its terminator. QuTiP: `HEOMSolver`",
            f"with `DrudeLorentzBath`, {_QUTIP['preparation_fs']:g} fs from the thermal carrier to",
            "equilibrium (its `steady_state()` factorises the whole hierarchy), J applied to all",
            f"ADOs, tolerances {_QUTIP['rtol']:g} and {_QUTIP['atol']:g} (its defaults); all",
            "integrators below were run and the fastest that agrees within",
            f"{_EQUAL:g} with our fixed basis of the same depth counts. Ours: the same depth with",
            "fixed labels, and the adaptive engine at the thresholds of accuracy 1e-3: one run,",
            "as QuTiP does, and the whole job with its error estimate (three runs more),",
            "the resolvent and the f-sum rule. Whole processes, and the same less the start-up: a",
            "process that does the same for three sites, depth 1 and 2 fs (imports, and for ours",
            "the loading of compiled code). The bounds compare QuTiP with one run.",
        ),
        table(
            (
                "N",
                "depth",
                "code",
                "D",
                "unknowns",
                "wall (s)",
                "without start-up",
                "peak MB",
                "above start-up",
                "wall gain",
                "memory gain",
            ),
            rows,
        ),
        paragraph(
            "Importing NumPy, Numba, mpi4py and petsc4py and doing nothing takes",
            f"{number(data['stack']['wall_s'])} s and {number(data['stack']['peak_mb'])} MB here;",
            f"with the compiled code loaded, {number(starts['adaptive']['wall_s'])} s and",
            f"{number(starts['adaptive']['peak_mb'])} MB. QuTiP's wall time over that is the most",
            "that a whole process on these libraries can gain.",
        ),
        paragraph("Every integrator of QuTiP: wall time and relative difference of D."),
        table(("N", "depth", *names), methods),
    )
