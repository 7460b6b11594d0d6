"""Which runs can be trusted: every quality gate of every run, passed or failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from smallpolaron.derive.study_results import StudyResults
from smallpolaron.figures.html import Cell, definitions, table, write_page
from smallpolaron.figures.runs import Run, read_study
from smallpolaron.figures.style import Row, write_numbers
from smallpolaron.planning.status import record_of

_KINDS = {"population": "populations", "displacement": "displacement on the infinite lattice"}


def rows(runs: Sequence[Run]) -> Iterator[Row]:
    """Yield one row per run and gate."""
    for run in runs:
        for gate in run.result.gates:
            yield run.identity() | {
                "kind": run.result.kind,
                "gate": gate.name,
                "value": float(gate.value),
                "bound": float(gate.bound),
                "passed": gate.passed,
                "meaning": gate.meaning,
            }


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


def _page_table(runs: Sequence[Run], gates: Sequence[str]) -> str:
    head = [Cell("run", look="text"), *(Cell(_words(name)) for name in gates), Cell("verdict")]
    lines = []
    for run in runs:
        found = {gate.name: gate for gate in run.result.gates}
        cells = [Cell(run.label, run.point, "text")]
        for name in gates:
            gate = found.get(name)
            if gate is None:
                cells.append(Cell("–", look="none"))
                continue
            mark = "✓" if gate.passed else "✗"
            look = "pass" if gate.passed else "fail"
            cells.append(Cell(f"{mark} {gate.value:.2g}", f"≤ {gate.bound:.2g}", look))
        verdict = Cell("✗ flagged", look="fail") if run.flagged else Cell("✓ trusted", look="pass")
        lines.append([*cells, verdict])
    return table(head, lines)


def page(runs: Sequence[Run], missing: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the summary and the tables of gates of a study, and what is missing from it."""
    meanings = {gate.name: gate.meaning for run in runs for gate in run.result.gates}
    parts = []
    if missing:
        lines = [[Cell(name, look="text"), Cell(why, look="text")] for name, why in missing.items()]
        parts += ["<h2>Missing runs</h2>", table([Cell("run"), Cell("why")], lines)]
    for kind in dict.fromkeys(run.result.kind for run in runs):
        chosen = [run for run in runs if run.result.kind == kind]
        gates = list(dict.fromkeys(gate.name for run in chosen for gate in run.result.gates))
        words = _KINDS.get(kind, "current autocorrelation")
        parts += [f"<h2>Runs of the {words}</h2>", _page_table(chosen, gates)]
    parts += [
        "<h2>What the gates measure</h2>",
        definitions((_words(name), text) for name, text in meanings.items()),
    ]
    return summary(runs, len(missing)), parts


def write_quality(found: StudyResults, folder: Path) -> None:
    """Write the page about the gates of a study and its numbers: quality.html and quality.csv."""
    runs = read_study(found.plan, found.folder, record_of)
    write_page(folder / "quality.html", "Quality gates", *page(runs, found.missing))
    write_numbers(folder / "quality.csv", rows(runs))
