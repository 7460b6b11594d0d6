"""How several processes share the tests: pytest -n."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file in one process, for its fixtures; and the Slurm, which a machine has once."""
    for item in items:
        group = "slurm" if "slurm" in item.path.parts else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
