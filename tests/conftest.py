"""The fast tier: `pytest --fast` runs unit tests only, and lets none of them start a process."""

import subprocess
from typing import NoReturn

import pytest

from tests.fixtures import correlation, faults_of, plan_of, valid

__all__ = ["correlation", "faults_of", "plan_of", "valid"]

LEFT_OUT = ("mpi", "process", "slow")
"""Markers of tests that are not in the fast tier."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help=f"no tests marked {', '.join(LEFT_OUT)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--fast"):
        return
    parts: dict[bool, list[pytest.Item]] = {False: [], True: []}
    for item in items:
        parts[any(map(item.get_closest_marker, LEFT_OUT))].append(item)
    config.hook.pytest_deselected(items=parts[True])
    items[:] = parts[False]


@pytest.fixture(autouse=True)
def _no_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        # an OSError: what git would say of the state of the code is then unknown, as without git
        raise OSError("a test of the fast tier starts a process; mark it with pytest.mark.process")

    if request.config.getoption("--fast"):
        monkeypatch.setattr(subprocess.Popen, "__init__", refuse)
