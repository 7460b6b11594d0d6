"""The comparison of estimates with finished jobs as a page of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.cost.check import NEAR, QUANTITIES, Comparison

_RANGED: Final = ("labels", "core_seconds", "memory_MB")
_DIGITS: Final = {"core_seconds": ".3g", "memory_MB": ".0f", "file_bytes": ",.0f"}

_HEAD: Final = f"""\
# Cost: estimates against finished jobs

Written by `{{command}}`;
[cost.md](cost.md) explains the model. Tables 1 and 2 give the share of jobs whose estimate is
within a factor {NEAR:g} of the truth, and in the last columns the share whose truth lies in the
range given for 90 %.

## 1. Systems left out

Every estimate comes from a model fitted without any job of the same bath and temperature, or of
one that differs by less than 15 %, whatever its lattice, start, size, duration and accuracy.
"""

_FITTED: Final = """
## 2. The model in the package

It was fitted to the jobs of {studies}.
For these the table tells how far its formulas follow what they were shown, not how far they are
right.
"""

_JOBS: Final = """
## 3. Every job

Expected, with its system left out, / true = ratio. Memory in 10^6 bytes per rank, files in bytes.
"""


def report(
    command: str,
    studies: Sequence[str],
    left_out: Sequence[Comparison],
    fitted: Sequence[Comparison],
) -> str:
    """Return the comparison as Markdown: shares by study and family, then every job.

    Args:
        command: what was typed.
        studies: studies that the model in the package was fitted to.
        left_out: estimates by models that did not know the systems of their jobs.
        fitted: estimates by the model in the package.
    """
    lines = [
        _HEAD.format(command=command),
        *_shares(left_out),
        _FITTED.format(studies=", ".join(studies)),
        *_shares(fitted),
        _JOBS,
        *_jobs(left_out),
    ]
    return "\n".join(lines) + "\n"


def _shares(found: Sequence[Comparison]) -> Iterator[str]:
    ranges = [f"{QUANTITIES[name]} in range" for name in _RANGED]
    yield _row(["study", "family", "jobs", *QUANTITIES.values(), *ranges])
    yield _row(["---"] * (3 + len(QUANTITIES) + len(_RANGED)))
    for study in dict.fromkeys(each.record.study for each in found):
        mine = [each for each in found if each.record.study == study]
        for family in dict.fromkeys(each.job.family for each in mine):
            yield _share_row(study, family, [e for e in mine if e.job.family == family])
        yield _share_row(study, "all", mine)


def _share_row(study: str, family: str, found: Sequence[Comparison]) -> str:
    near = [_share([each.near(name) for each in found]) for name in QUANTITIES]
    inside = [_share([each.inside(name) for each in found]) for name in _RANGED]
    return _row([study, family, str(len(found)), *near, *inside])


def _share(answers: Sequence[bool | None]) -> str:
    known = [answer for answer in answers if answer is not None]
    return f"{100 * sum(known) / len(known):.0f} %" if known else "unknown"


def _jobs(found: Sequence[Comparison]) -> Iterator[str]:
    yield _row(["study", "job", *QUANTITIES.values(), f"beyond a factor {NEAR:g}"])
    yield _row(["---"] * (3 + len(QUANTITIES)))
    for each in found:
        cells = [_cell(each, name) for name in QUANTITIES]
        far = [text for name, text in QUANTITIES.items() if each.near(name) is False]
        name = f"{each.record.protocol} {each.record.name}"
        yield _row([each.record.study, name, *cells, ", ".join(far)])


def _cell(each: Comparison, name: str) -> str:
    true, ratio, digits = each.true(name), each.ratio(name), _DIGITS.get(name, ",.0f")
    expected = format(each.expected[name].expected, digits)
    return (
        f"{expected} / unknown" if true is None else f"{expected} / {true:{digits}} = {ratio:.2f}"
    )


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
