"""A checksum over what a result says, not over the bytes of its file.

It stays the same when a file is copied, repacked or read on another machine, and it changes with
every flipped bit of a number, name, unit, parameter or note.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def content_digest(texts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 (hex) over nested plain values and named arrays.

    Args:
        texts: mappings, lists, numbers, texts, booleans and None; lists count as what an HDF5
            attribute makes of them: [1, 2.5] is [1.0, 2.5].
        arrays: by name; type, shape and every byte count, the order of names does not.
    """
    text = json.dumps(_plain(texts), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode("ascii"))
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name} {little.dtype.str} {little.shape}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return np.array(value).tolist()
    return value.item() if isinstance(value, np.generic) else value
