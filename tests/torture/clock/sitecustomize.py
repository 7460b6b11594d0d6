"""A clock that jumps: Python imports this at its start when the folder is in PYTHONPATH.

TORTURE_CLOCK holds two numbers: seconds after which the wall clock jumps, and by how many seconds.
"""

import os
import time

after, jump = map(float, os.environ["TORTURE_CLOCK"].split())
began, clock, clock_ns = time.monotonic(), time.time, time.time_ns


def _shift() -> float:
    return jump if time.monotonic() - began > after else 0.0


time.time = lambda: clock() + _shift()
time.time_ns = lambda: clock_ns() + int(1e9 * _shift())
