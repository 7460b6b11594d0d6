"""Section: products with L per femtosecond of several propagators."""

from typing import Final

from benchmarks.harness import Data, Harness
from benchmarks.markdown import number, paragraph, section, table

TITLE: Final = "Propagators"

_BATHS: Final = ((323.0, 41.0), (30.0, 25.0))
_JUDGED: Final = ("products_per_fs", "seconds")


def measure(harness: Harness) -> Data:
    """Search the cheapest steps of every method on frozen adaptive bases."""
    cases = []
    for eta, gamma in _BATHS:
        found = harness.run(
            "propagators:compare",
            n_sites=4 if harness.quick else 6,
            eta_cm=eta,
            gamma_cm=gamma,
            accuracy=1e-2 if harness.quick else 1e-4,
            frozen_fs=20.0 if harness.quick else 60.0,
            duration_fs=20.0 if harness.quick else 120.0,
            errors=[1e-5, 1e-8],
        ).result
        cases.append({"eta_cm": eta, "gamma_cm": gamma, **found})
    return {"cases": cases, "bounds": []}


def render(data: Data) -> str:
    """The section's text."""
    parts = [
        paragraph(
            "The basis of a production run of C_JJ is frozen in mid-run (the state then propagates",
            "with a constant L), and every method takes the fewest equal steps that keep the final",
            "state within the error, relative to its norm; PETSc's are adaptive, the loosest of a",
            "ladder of tolerances that reaches the error. Seconds include the method's own vector",
            "work. Vectors are those of the state's length besides the state. The engine itself",
            "also has to follow the front of the state with its basis, which bounds its steps. The",
            "least of a column is bold.",
        )
    ]
    for case in data["cases"]:
        spectrum = case["spectrum"]
        box, ritz = spectrum["field_of_values"], spectrum["ritz"]
        errors = sorted({row["error"] for row in case["rows"]}, reverse=True)
        by_method: dict[str, dict[float, Data]] = {}
        for row in case["rows"]:
            by_method.setdefault(row["method"], {})[row["error"]] = row
        best = {(e, key): _least(case["rows"], e, key) for e in errors for key in _JUDGED}
        rows = []
        for name, found in by_method.items():
            cells: list[object] = [name, found[errors[0]]["vectors"]]
            for e in errors:
                run = found[e]
                count, seconds = (_marked(run[key], best[e, key]) for key in _JUDGED)
                cells += [count, number(run["step_fs"]), seconds]
            rows.append(cells)
        head = ["method", "vectors"]
        for e in errors:
            head += [f"products/fs for {e:.0e}", "step (fs)", "seconds"]
        parts += [
            f"**η = {case['eta_cm']:g}, γ = {case['gamma_cm']:g} cm⁻¹: "
            f"{number(case['labels'])} labels, {number(case['entries'])} entries**",
            paragraph(
                "Bounds relied on: field of values (extreme eigenvalues of both Hermitian parts)",
                f"Re {number(box['real'][0])} … {number(box['real'][1])}, |Im| ≤",
                f"{number(box['imaginary'])} per fs, which holds every eigenvalue whatever the",
                f"departure from normality; {ritz['values']} Ritz values fill Re",
                f"{number(ritz['real'][0])} … {number(ritz['real'][1])}, |Im| ≤",
                f"{number(ritz['imaginary'])}; largest damping Σ n ν + 2Δ of a label",
                f"{number(spectrum['largest_damping'])}. The engine took",
                f"{number(case['engine_products_per_fs'])} products/fs before the basis was frozen",
                "(repeated steps included).",
            ),
            table(head, rows),
        ]
    return section(*parts)


def _least(rows: list[Data], error: float, key: str) -> float:
    return min(row[key] for row in rows if row["error"] == error and row[key] is not None)


def _marked(value: float | None, least: float) -> str:
    return f"**{number(value)}**" if value == least else number(value)
