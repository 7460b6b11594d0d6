"""Files from the future come back to the present, in their order."""

from __future__ import annotations

import os
from pathlib import Path

from smallpolaron.support.files import settle_future

NOW = 1_700_000_000_123_456_789
HOUR = 3600 * 10**9


def test_files_from_the_future_keep_their_order(tmp_path: Path) -> None:
    times = {"plan": 5 * HOUR, "a/current": 7 * HOUR, "a/same": 7 * HOUR, "b/mobility": 9 * HOUR}
    times |= {"old": -HOUR, "present": 0}
    for name, shift in times.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        os.utime(path, ns=(NOW + shift, NOW + shift))
    assert settle_future(tmp_path, NOW) == 4
    found = {name: (tmp_path / name).stat().st_mtime for name in times}
    assert found["old"] < found["plan"] < found["a/current"] == found["a/same"]
    assert found["a/same"] < found["b/mobility"] == found["present"] == NOW / 1e9
    assert (tmp_path / "old").stat().st_mtime_ns == NOW - HOUR
    assert settle_future(tmp_path, NOW) == 0
    assert all((tmp_path / name).read_text() == name for name in times)
