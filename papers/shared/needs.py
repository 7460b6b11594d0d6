"""What a study must compute so that the figures of a paper can be drawn from it."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from smallpolaron.study.physical_system import physics
from smallpolaron.study.plan import HASH_DIGITS, Plan, Point
from smallpolaron.study.sections import Protocol
from smallpolaron.study.yamlfile import Document
from smallpolaron.support.problems import ConfigurationError, Problem

PAPERS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Need:
    """Points that the figures of a paper are drawn from.

    Attributes:
        block: name of the grid block.
        what: the points in words.
        protocol: what they must compute.
        fits: whether a point of that block is one of them.
        only: whether there must be one such point, no more.
    """

    block: str
    what: str
    protocol: Protocol = "current"
    fits: Callable[[Point], bool] = lambda point: True
    only: bool = False

    def met(self, points: Sequence[Point]) -> bool:
        """Whether the study has these points."""
        found = [
            point
            for point in points
            if point.group == self.block and self.protocol in point.protocols and self.fits(point)
        ]
        return len(found) == 1 if self.only else bool(found)


def sites(n_sites: int) -> Callable[[Point], bool]:
    """Return whether a point has a number of sites."""
    return lambda point: point.parameters.n_sites == n_sites


def with_bath(eta_over_v: float, gamma_over_v: float) -> Callable[[Point], bool]:
    """Return whether a point has one bath, given relative to the hopping."""
    wanted = {"eta_over_v": eta_over_v, "gamma_over_v": gamma_over_v}
    return lambda point: all(
        abs((point.derived[key] or 0.0) - value) < 1e-9 for key, value in wanted.items()
    )


@dataclass(frozen=True)
class PaperStudy:
    """The study of a paper."""

    fingerprint: str
    needs: tuple[Need, ...]


def paper_study(paper: str) -> PaperStudy:
    """Return what is known of the study of a paper, from papers/<paper>/needs.py.

    Raises:
        LookupError: there is no such paper.
    """
    if paper not in papers():
        raise LookupError(paper)
    found = importlib.import_module(f"papers.{paper}.needs").STUDY
    assert isinstance(found, PaperStudy)
    return found


def papers() -> list[str]:
    """Return the names of all papers."""
    return sorted(path.parent.name for path in PAPERS.glob("*/rules.smk"))


def check_paper(document: Document, plan: Plan) -> None:
    """Refuse a study of a paper without the points that its figures are drawn from.

    Raises:
        ConfigurationError: the paper is not known, or points are missing.
    """
    if plan.paper is None:
        return
    line = document.line(("paper",))
    try:
        needs = paper_study(plan.paper).needs
    except LookupError:
        allowed = f"must be one of {', '.join(papers())}"
        problem = Problem("paper", plan.paper, allowed, "remove paper, or correct it", line)
        raise ConfigurationError(document.source, [problem]) from None
    problems = [
        Problem(
            "paper",
            plan.paper,
            f"needs in the grid block '{need.block}' with protocol {need.protocol}: {need.what}",
            "add it to the grid, or remove paper",
            line,
        )
        for need in needs
        if not need.met(plan.points)
    ]
    if problems:
        raise ConfigurationError(document.source, problems)


def is_own(plan: Plan) -> bool:
    """Return whether a study is that of its paper, unchanged but for its name and limits."""
    return plan.paper is not None and fingerprint(plan) == paper_study(plan.paper).fingerprint


def fingerprint(plan: Plan) -> str:
    """Return a word for all that decides the figures of a study, whatever computes its points."""
    points = [
        [
            point.group,
            sorted(point.protocols),
            physics(point.parameters),
            point.parameters.n_sites,
            point.parameters.model.topology,
            point.parameters.start_site,
            point.parameters.accuracy,
            point.parameters.propagation.duration_fs,
        ]
        for point in (*plan.points, *plan.rungs)
    ]
    texts = sorted(json.dumps(point, sort_keys=True, default=list) for point in points)
    content = json.dumps([texts, plan.analysis.model_dump()], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:HASH_DIGITS]
