"""The seal of a result file: a checksum of all its bytes, in a line behind its last byte.

HDF5 ignores what follows the end of its data. The seal is compared before HDF5 opens the file:
HDF5 may crash or hang on a file with a flipped bit.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, Literal

SealState = Literal["intact", "broken", "none"]

_MARK: Final = b"\nsmallpolaron sha256 "
_LENGTH: Final = len(_MARK) + 64 + 1
_BLOCK: Final = 1 << 20


def file_digest(path: Path, size: int | None = None) -> str:
    """Return the SHA-256 (hex) over the first bytes of a file, or all, as sha256sum does."""
    digest = hashlib.sha256()
    left = path.stat().st_size if size is None else size
    with path.open("rb") as file:
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            digest.update(block)
            left -= len(block)
    return digest.hexdigest()


def seal(path: Path) -> None:
    """Append the seal to a finished file."""
    line = _MARK + file_digest(path).encode() + b"\n"
    with path.open("ab") as file:
        file.write(line)


def seal_state(path: Path) -> SealState:
    """Return whether the bytes of a file are those that were sealed.

    A file has no seal when an older version of this program wrote it, when another program wrote
    to it or repacked it, or when it lost its end.
    """
    body = max(path.stat().st_size - _LENGTH, 0)
    with path.open("rb") as file:
        file.seek(body)
        line = file.read()
    if _MARK not in line:
        return "none"
    expected = _MARK + file_digest(path, body).encode() + b"\n"
    return "intact" if line == expected else "broken"
