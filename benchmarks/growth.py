"""Section: cost and D against the number of sites, up to the infinite ring."""

from typing import Final

from benchmarks.harness import Data, Harness, Measured
from benchmarks.markdown import bound, number, paragraph, section, table

TITLE: Final = "Growth with the number of sites"

_BATHS: Final = ((323.0, 41.0, 600.0), (100.0, 50.0, 600.0), (30.0, 25.0, 1500.0))
"""eta and gamma (cm^-1), and a time (fs) by which C_JJ has decayed."""

_SITES: Final = (6, 8, 10, 15, 20, 30, 40)
_WINDOW = 41
"""Sites around the carrier of the infinite ring."""

_PRINTED: Final = {(323.0, 41.0, 15): (0.337, 0.002), (30.0, 25.0, 20): (1.862, 0.008)}
"""D printed in the anomalous paper, and the tolerance wanted, paper units."""

_TIGHT = 3e-4
"""Accuracy of the runs that tell whether a difference from the printed numbers is ours."""

_SHARP: Final = (323.0, 41.0)
"""The bath for which the bounds are stated."""


def measure(harness: Harness) -> Data:
    """Run all rings one after another."""
    sites = (6, 8) if harness.quick else _SITES
    accuracy = 1e-2 if harness.quick else 1e-3
    eta, gamma, _ = _BATHS[0]
    harness.attempt(
        "adaptive:correlation", n_sites=6, eta_cm=eta, gamma_cm=gamma, accuracy=0.1, duration_fs=5.0
    )
    series = []
    for eta, gamma, duration in _BATHS:
        duration = 100.0 if harness.quick else duration
        rows = []
        for n_sites in (*sites, None):
            case = {
                "n_sites": n_sites or _WINDOW,
                "infinite": n_sites is None,
                "eta_cm": eta,
                "gamma_cm": gamma,
                "accuracy": accuracy,
            }
            run = harness.attempt("adaptive:correlation", **case, duration_fs=duration)
            rows.append({"n_sites": n_sites, **_row(run)})
        series.append({"eta_cm": eta, "gamma_cm": gamma, "duration_fs": duration, "rows": rows})
    tight = []
    for (eta, gamma, n_sites), (printed, _) in _PRINTED.items() if not harness.quick else ():
        duration = next(d for e, g, d in _BATHS if (e, g) == (eta, gamma))
        run = harness.attempt(
            "adaptive:correlation",
            n_sites=n_sites,
            eta_cm=eta,
            gamma_cm=gamma,
            duration_fs=duration,
            accuracy=_TIGHT,
        )
        row = {"n_sites": n_sites, "eta_cm": eta, "gamma_cm": gamma, "printed": printed}
        tight.append({**row, **_row(run)})
    return {"accuracy": accuracy, "series": series, "tight": tight, "bounds": _bounds(series)}


def _row(run: Measured | str) -> Data:
    return {"failed": run} if isinstance(run, str) else {**run.result, **run.cost}


def _bounds(series: list[Data]) -> list[Data]:
    bounds = []
    for s in series:
        bath = (s["eta_cm"], s["gamma_cm"])
        by_size = {row["n_sites"]: row for row in s["rows"]}
        label = f"({bath[0]:g}, {bath[1]:g})"
        if bath == _SHARP:
            for unit in ("core_s", "compute_s"):
                bounds.append(
                    bound(
                        f"{label}: {unit} of N = 20 over N = 10",
                        _ratio(by_size, 20, 10, unit),
                        "<=",
                        1.3,
                    )
                )
        ratio = _ratio(by_size, max(n for n in by_size if n), None, "D")
        bounds.append(
            bound(
                f"{label}: D of the largest ring against the infinite ring, relative",
                None if ratio is None else abs(ratio - 1),
                "<=",
                0.002,
            )
        )
        for (eta, gamma, n_sites), (printed, tolerance) in _PRINTED.items():
            if (eta, gamma) == bath and n_sites in by_size:
                D = by_size[n_sites].get("D")
                bounds.append(
                    bound(
                        f"{label}, N = {n_sites}: D against the printed {printed}",
                        None if D is None else abs(D - printed),
                        "<=",
                        tolerance,
                        "paper units",
                    )
                )
    return bounds


def _ratio(rows: dict[int | None, Data], upper: int, lower: int | None, key: str) -> float | None:
    top, bottom = rows.get(upper, {}).get(key), rows.get(lower, {}).get(key)
    return None if top is None or bottom is None else float(top / bottom)


def render(data: Data) -> str:
    """The section's text."""
    parts = [
        paragraph(
            f"Accuracy {number(data['accuracy'], 1)}, one core, whole jobs with error estimate.",
            f"The infinite ring is a window of {_WINDOW} sites around the carrier without",
            "wrap-around. D in paper units, ± the estimated error of D from all sources.",
        )
    ]
    for s in data["series"]:
        rows = []
        for row in s["rows"]:
            size = "∞" if row["n_sites"] is None else str(row["n_sites"])
            if "failed" in row:
                rows.append((size, "failed: " + row["failed"].splitlines()[-1], *[None] * 9))
                continue
            printed = _PRINTED.get((s["eta_cm"], s["gamma_cm"], row["n_sites"]))
            rows.append(
                (
                    size,
                    f"{number(row['D'], 5)} ± {number(row['D_error'], 2)}",
                    number(row["D_resolvent"], 5),
                    f"{printed[0]} ± {printed[1]}" if printed else "",
                    row["labels"],
                    row["labels_equilibrium"],
                    row["products"],
                    row["compute_s"],
                    row["core_s"],
                    row["peak_mb"],
                    row["C_end"],
                )
            )
        parts.append(
            f"**η = {s['eta_cm']:g}, γ = {s['gamma_cm']:g} cm⁻¹, {s['duration_fs']:g} fs**"
        )
        parts.append(
            table(
                (
                    "N",
                    "D",
                    "D by resolvent",
                    "printed",
                    "labels",
                    "labels in equilibrium",
                    "products",
                    "without imports (s)",
                    "core-s",
                    "peak MB",
                    "C at the end / C(0)",
                ),
                rows,
            )
        )
    if data["tight"]:
        parts.append("**Tighter runs at the points that are printed**")
        parts.append(_tight_table(data["tight"]))
        parts.append(
            paragraph(
                "A ratio printed / ours that is the same at both points, for baths that have",
                "little in common, is a constant between the units and not a difference of the",
                "dynamics.",
            )
        )
    return section(*parts)


def _tight_table(runs: list[Data]) -> str:
    return table(
        ("η, γ (cm⁻¹)", "N", "printed", "D", "printed / ours", "labels", "core-s", "peak MB"),
        [
            (
                f"({r['eta_cm']:g}, {r['gamma_cm']:g})",
                r["n_sites"],
                f"{r['printed']}",
                f"{number(r['D'], 5)} ± {number(r['D_error'], 2)}",
                number(r["printed"] / r["D"], 5),
                r["labels"],
                r["core_s"],
                r["peak_mb"],
            )
            if "D" in r
            else (
                f"({r['eta_cm']:g}, {r['gamma_cm']:g})",
                r["n_sites"],
                f"{r['printed']}",
                "failed",
                "",
                *[None] * 3,
            )
            for r in runs
        ],
    )
