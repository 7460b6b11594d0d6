"""An invented study of the anomalous transport paper, for the tests of its figures and page."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from smallpolaron.analysis.gates import Gate
from smallpolaron.results.store import read_result, write_result
from tests.results.columns import assert_errors_beside

STUDY = """\
study: small
model: {topology: ring}
bath: {terms: 0, eta_over_v: 6.46, gamma_over_v: 0.82}
propagation: {duration_fs: 600, sample_fs: 5}
grid:
  - {name: chains_current, model.topology: [chain], model.n_sites: [20]}
  - name: long_current
    model.topology: [chain]
    model.n_sites: [20]
    propagation.duration_fs: [6000]
    propagation.sample_fs: [20]
  - name: chains
    protocols: [marcus, franck_condon]
    model.topology: [chain]
    model.n_sites: [8, 20]
    propagation.duration_fs: [2500]
    propagation.sample_fs: [25]
  - name: wall
    protocols: [marcus, franck_condon]
    model.topology: [chain]
    model.n_sites: [20]
    start_site: [0]
    propagation.duration_fs: [2500]
    propagation.sample_fs: [25]
  - {name: rings_current, model.n_sites: [4, 6, 8]}
  - {name: weak_current, bath.eta_over_v: [0.6], bath.gamma_over_v: [0.5], model.n_sites: [4, 6]}
  - name: rings
    protocols: [marcus, franck_condon]
    model.n_sites: [20]
    bath.eta_over_v: [0.6, 6.46]
    bath.gamma_over_v: [0.5, 0.82]
    propagation.duration_fs: [2500]
    propagation.sample_fs: [25]
  - name: infinite
    protocols: [current, marcus, franck_condon]
    model.topology: [infinite]
    bath.eta_over_v: [0.6, 6.46]
    bath.gamma_over_v: [0.82]
"""
STARTS = ("marcus", "franck_condon")
PERCENT = ["--band-percent", "1"]
Files = Callable[..., list[str]]
"""The files of one kind of a block: by the current, or from some starts."""


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        found = csv.DictReader(stream)
        assert_errors_beside(found.fieldnames or ())
        return list(found)


def draw(name: str, arguments: Sequence[str], folder: Path) -> tuple[list[dict[str, str]], str]:
    """Draw a figure; return its table and its caption."""
    module = importlib.import_module(f"papers.anomalous2024.{name}")
    stem = folder / name
    module.main([*arguments, "--stem", str(stem)])
    assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    assert stem.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    return table(stem.with_suffix(".csv")), stem.with_suffix(".txt").read_text("utf-8")


def column(rows: Sequence[dict[str, str]], name: str) -> list[float]:
    return [float(row[name]) for row in rows]


def flagged(path: str, folder: Path) -> str:
    """Write a copy of a result that fails a gate, under its name."""
    result = read_result(path)
    failed = Gate("trace", 1.0, 0.1, "the trace drifted")
    copy = folder / Path(path).name
    write_result(copy, replace(result, gates=(*result.gates, failed)))
    return str(copy)
