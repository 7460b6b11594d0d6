"""Which runs can be trusted: every quality gate of every run, passed or failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from smallpolaron.derive.study_results import StudyResults
from smallpolaron.derive.tables import quality_rows
from smallpolaron.figures.html import definitions, table, write_page
from smallpolaron.figures.runs import Run, read_study
from smallpolaron.figures.style import write_numbers
from smallpolaron.planning.status import record_of

_KINDS = {"population": "populations", "displacement": "displacement on the infinite lattice"}


def summary(runs: Sequence[Run], missing: int = 0) -> str:
    """Return how many runs pass everything, which do not and why, and how many are missing."""
    failed = [run for run in runs if run.flagged]
    good = len(runs) - len(failed)
    if missing:
        return (
            f"The study is incomplete: {missing} of {len(runs) + missing} runs are missing, for "
            f"the reasons below. {summary(runs)}"
        )
    if not failed:
        return f"All {len(runs)} runs pass every quality gate that applies to them."
    causes = "; ".join(f"{run.point} ({', '.join(run.failed_gates)})" for run in failed)
    return (
        f"{good} of {len(runs)} runs pass every quality gate. Flagged, shown as flagged "
        f"everywhere and never averaged with others: {causes}."
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _row(run: Run) -> dict[str, object]:
    """Return a run with its gates, each with value and bound, and the verdict."""
    gates = {
        _words(gate.name): f"{'✓' if gate.passed else '✗'} {gate.value:.2g} ≤ {gate.bound:.2g}"
        for gate in run.result.gates
    }
    verdict = "✗ flagged" if run.flagged else "✓ trusted"
    return {"run": run.label, "point": run.point, **gates, "verdict": verdict}


def page(runs: Sequence[Run], missing: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the summary and the tables of gates of a study, and what is missing from it."""
    meanings = {gate.name: gate.meaning for run in runs for gate in run.result.gates}
    parts = []
    if missing:
        lines = ({"run": name, "why": why} for name, why in missing.items())
        parts += ["<h2>Missing runs</h2>", table(lines)]
    for kind in dict.fromkeys(run.result.kind for run in runs):
        chosen = (_row(run) for run in runs if run.result.kind == kind)
        words = _KINDS.get(kind, "current autocorrelation")
        parts += [f"<h2>Runs of the {words}</h2>", table(chosen)]
    parts += [
        "<h2>What the gates measure</h2>",
        definitions((_words(name), text) for name, text in meanings.items()),
    ]
    return summary(runs, len(missing)), parts


def write_quality(found: StudyResults, folder: Path) -> None:
    """Write the page about the gates of a study and its numbers: quality.html and quality.csv."""
    runs = read_study(found.plan, found.folder, record_of)
    write_page(folder / "quality.html", "Quality gates", *page(runs, found.missing))
    write_numbers(folder / "quality.csv", quality_rows([run.result for run in runs]))
