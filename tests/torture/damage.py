"""Truncated files and flipped bits."""

from __future__ import annotations

import os
import random
from pathlib import Path


def truncate(path: Path, rng: random.Random) -> str:
    """Cut a file at a random place, near its end more often than not; return what was done."""
    size = path.stat().st_size
    keep = rng.choice((rng.randrange(size), size - 1 - rng.randrange(min(200, size))))
    os.truncate(path, keep)
    return f"{path.name} cut to {keep} of {size} bytes"


def flip(path: Path, rng: random.Random) -> str:
    """Flip a random bit of a file in place; return what was done."""
    content = bytearray(path.read_bytes())
    position, bit = rng.randrange(len(content)), rng.randrange(8)
    content[position] ^= 1 << bit
    with path.open("r+b") as file:
        file.write(content)
    return f"{path.name}: bit {bit} of byte {position} of {len(content)} flipped"
