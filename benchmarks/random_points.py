"""Section: does the error estimate cover the error? Random points against tighter runs."""

import math
import random
from typing import Final

from benchmarks.harness import Data, Harness, Measured
from benchmarks.markdown import bound, number, paragraph, section, table

TITLE: Final = "The error estimate at random points"

_SEED = 20240318
_HOPPING_CM = 50.0
_ACCURACY, _TIGHT = 1e-3, 1e-4
_WORKERS = 2

# as in smallpolaron.model.units, which would bring NumPy into this small process
_KB_CM = 0.69503476
_CM_TO_RAD_FS = 1.8836516e-4
_DECAYS, _MEMORIES = 12, 4
_SHORTEST_FS, _LONGEST_FS = 300.0, 3000.0


def points(count: int) -> list[Data]:
    """Random rings: eta/v 0.3-7 and gamma/v 0.3-4 (uniform), T 150-400 K, N 4-12."""
    draw = random.Random(_SEED)
    chosen = []
    for _ in range(count):
        eta = 0.3 + 6.7 * draw.random()
        gamma = 0.3 + 3.7 * draw.random()
        chosen.append(
            {
                "eta_cm": round(_HOPPING_CM * eta, 1),
                "gamma_cm": round(_HOPPING_CM * gamma, 1),
                "temperature_K": float(round(150 + 250 * draw.random())),
                "n_sites": draw.randint(4, 12),
            }
        )
    return chosen


def duration_fs(point: Data) -> float:
    """A length of the record (fs) by which C_JJ has mostly decayed, from the parameters alone.

    Site energies differ by a classical spread sqrt(2 eta kT) that lasts 1/gamma; currents decay at
    that rate, or slower when it is narrowed by a fast bath. What is left at the end is one of the
    sources of the estimate.
    """
    eta, gamma = float(point["eta_cm"]), float(point["gamma_cm"])
    spread = math.sqrt(2 * eta * _KB_CM * point["temperature_K"])
    rate = min(spread, spread**2 / gamma)
    wanted = (_DECAYS / rate + _MEMORIES / gamma) / _CM_TO_RAD_FS
    return min(_LONGEST_FS, max(_SHORTEST_FS, 10.0 * round(wanted / 10)))


def measure(harness: Harness) -> Data:
    """Run every point at both accuracies, two processes at a time: results count, not times."""
    chosen = points(2 if harness.quick else 20)
    accuracy, tight = (1e-2, 1e-3) if harness.quick else (_ACCURACY, _TIGHT)
    cases = [{**p, "duration_fs": duration_fs(p)} for p in chosen]
    jobs = [{**c, "accuracy": a} for c in cases for a in (accuracy, tight)]
    runs = harness.attempt_all("adaptive:correlation", jobs, _WORKERS)
    rows = [
        {**case, **_compare(*pair)}
        for case, pair in zip(cases, zip(runs[0::2], runs[1::2], strict=True), strict=True)
    ]
    covered = sum(bool(row.get("covered")) for row in rows)
    wanted = len(rows) * 19 // 20
    return {
        "accuracy": accuracy,
        "tight": tight,
        "rows": rows,
        "bounds": [bound(f"points of {len(rows)} whose error is covered", covered, ">=", wanted)],
    }


def _compare(loose: Measured | str, tight: Measured | str) -> Data:
    if isinstance(loose, str) or isinstance(tight, str):
        failed = loose if isinstance(loose, str) else str(tight)
        return {"failed": failed}
    D, error, exact = loose.result["D"], loose.result["D_error"], tight.result["D_resolvent"]
    return {
        "D": D,
        "D_error": error,
        "D_errors": loose.result["D_errors"],
        "D_tight": exact,
        "D_tight_time": tight.result["D"],
        "D_tight_error": tight.result["D_error"],
        "covered": abs(D - exact) <= error,
        "labels": loose.result["labels"],
        "labels_tight": tight.result["labels"],
        "terms": loose.result["terms"],
        "terms_tight": tight.result["terms"],
    }


def render(data: Data) -> str:
    """The section's text."""
    rows = []
    for r in data["rows"]:
        head = (
            r["eta_cm"] / _HOPPING_CM,
            r["gamma_cm"] / _HOPPING_CM,
            f"{r['temperature_K']:.0f}",
            r["n_sites"],
            f"{r['duration_fs']:.0f}",
        )
        if "failed" in r:
            rows.append((*head, "failed: " + r["failed"].splitlines()[-1], *[""] * 6))
            continue
        difference = abs(r["D"] - r["D_tight"])
        largest = max(r["D_errors"].items(), key=lambda item: item[1] or 0.0)[0]
        rows.append(
            (
                *head,
                number(r["D"], 5),
                number(r["D_tight"], 5),
                number(difference, 2),
                number(r["D_error"], 2),
                largest,
                f"{r['labels']:,} / {r['labels_tight']:,}",
                "yes" if r["covered"] else "**no**",
            )
        )
    return section(
        paragraph(
            f"{len(data['rows'])} random rings (fixed seed; uniform in the ranges). D of the",
            f"record at accuracy {number(data['accuracy'], 1)} against D by the resolvent at",
            f"{number(data['tight'], 1)}, with more bath terms where that needs them: the estimate",
            "of the first, finite record included, must cover the difference. Paper units.",
        ),
        table(
            (
                "η/v",
                "γ/v",
                "T (K)",
                "N",
                "fs",
                "D",
                "D tight",
                "difference",
                "estimate",
                "largest source",
                "labels",
                "covered",
            ),
            rows,
        ),
    )
