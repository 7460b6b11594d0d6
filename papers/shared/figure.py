"""What the figures of a paper share: their command line, their files, their captions.

Every figure is written as PDF and PNG with the plotted numbers (CSV) and a caption (text).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from smallpolaron.figures import style
from smallpolaron.figures.runs import Run, input_parser, read_runs
from smallpolaron.figures.systems import listed, numerics
from smallpolaron.study.baths import bath_text, is_one_debye_bath
from smallpolaron.support.textfile import write_text

Value = Callable[[Run], float]
"""A number of a run."""

COLUMNS = ("point", "topology", "n_sites", "eta_over_v", "gamma_over_v", "temperature_K", "flagged")
"""First columns of every table of plotted numbers."""


def parser(description: str, *inputs: str) -> argparse.ArgumentParser:
    """Return the command line of a figure: result files by kind, and where its files go."""
    found = input_parser(description, *inputs)
    text = "path of the files to write, without .pdf, .png, .csv, .txt"
    found.add_argument("--stem", type=Path, required=True, help=text)
    return found


def identity(run: Run) -> dict[str, object]:
    """Return the first columns of a table for one run."""
    return {
        "point": run.point,
        "topology": run.parameter("model.topology"),
        "n_sites": run.n_sites,
        "eta_over_v": eta_over_v(run),
        "gamma_over_v": gamma_over_v(run),
        "temperature_K": run.temperature_K,
        "flagged": run.flagged,
    }


def eta_over_v(run: Run) -> float:
    """Return the coupling over the hopping.

    Raises:
        ValueError: the run has other baths than one Debye bath per site.
    """
    if not is_one_debye_bath(run.result.parameters):
        raise ValueError(
            f"{run.point}: {bath_text(run.result.parameters)}; the figures of the papers are drawn "
            "over coupling and rate of one Debye bath per site: give other baths a study of their "
            "own, or a grid block that no figure of the paper reads"
        )
    return round(float(run.parameter("bath.eta_cm")) / float(run.parameter("model.hopping_cm")), 9)


def gamma_over_v(run: Run) -> float:
    """Return the rate of the bath over the hopping."""
    return round(
        float(run.parameter("bath.gamma_cm")) / float(run.parameter("model.hopping_cm")), 9
    )


def system_label(run: Run) -> str:
    """Return the bath of a run for a legend."""
    return f"η/v = {eta_over_v(run):g}, γ/v = {gamma_over_v(run):g}"


def pick(runs: Sequence[Run], eta: float, gamma: float) -> Run | None:
    """Return the first run with these ratios to the hopping."""
    for run in runs:
        if abs(eta_over_v(run) - eta) < 1e-6 and abs(gamma_over_v(run) - gamma) < 1e-6:
            return run
    return None


def read(paths: Sequence[Path]) -> list[Run]:
    """Read result files of one kind, ordered by coupling, rate of the bath, size."""
    return sorted(
        read_runs(paths), key=lambda r: (eta_over_v(r), gamma_over_v(r), r.n_sites, r.point)
    )


def caption(text: str, runs: Sequence[Run]) -> str:
    """Return a caption: what is drawn, then parameters, method, accuracy and flagged points."""
    parameters = [run.result.parameters for run in runs]
    model = [p["model"] for p in parameters]
    hopping = listed(m["hopping_cm"] for m in model)
    system = (
        f"Dispersive Holstein model, {listed(m['topology'] for m in model)}, "
        f"N = {listed(m['n_sites'] for m in model)} (of an infinite ring: its window), "
        f"v = {hopping} cm⁻¹, T = {listed(m['temperature_K'] for m in model)} K, "
        f"lattice constant {listed(m['lattice_constant_A'] for m in model)} Å, "
        f"η/v = {listed(eta_over_v(r) for r in runs)}, "
        f"γ/v = {listed(gamma_over_v(r) for r in runs)} (reorganisation energy η/2)."
    )
    bad = [f"{run.point} ({', '.join(run.failed_gates)})" for run in runs if run.flagged]
    silent = [f"{run.point} ({run.reason})" for run in runs if run.reason]
    parts = [text, system, f"Method: HEOM, {numerics(parameters)}."]
    parts.append(f"Flagged points: {'; '.join(bad)}." if bad else "No point is flagged.")
    if silent:
        parts.append(f"Without numbers: {'; '.join(silent)}.")
    return "\n".join(parts) + "\n"


def write(
    stem: Path,
    figure: Figure,
    columns: Sequence[str],
    rows: Iterable[style.Row],
    text: str,
) -> None:
    """Write a figure, its plotted numbers and its caption."""
    style.write_numbers(stem.with_suffix(".csv"), columns, rows)
    for suffix in (".pdf", ".png"):
        style.save(figure, stem.with_suffix(suffix))
    write_text(stem.with_suffix(".txt"), text)
