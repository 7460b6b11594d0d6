"""Whether two results say the same."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from smallpolaron.results.store import Result


def digest_of(result: Result) -> str:
    """Return a checksum of all that a result says: every bit of its numbers, and its texts."""
    texts = [result.kind, dict(result.parameters), dict(result.provenance), dict(result.notes)]
    digest = hashlib.sha256(repr([*map(_plain, texts), result.gates]).encode())
    for name in sorted(result.variables):
        variable = result.variables[name]
        data = np.asarray(variable.data)
        digest.update(repr((name, data.dtype, data.shape, replace(variable, data=0))).encode())
        digest.update(data.tobytes())
    return digest.hexdigest()


def _plain(value: object) -> object:
    """Return a value as an HDF5 attribute gives it back: [1, 2.5] is [1.0, 2.5]."""
    if isinstance(value, dict):
        return sorted((key, _plain(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return np.array(value).tolist()
    return value.item() if isinstance(value, np.generic) else value
