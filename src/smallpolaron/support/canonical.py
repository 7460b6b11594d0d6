"""One spelling for every value: numbers as canonical decimals, parameters as a hash.

Paths and hashes are made from these spellings only, so neither the way a number was written
(2, 2.0, 2e0) nor floating-point noise can give one point two names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from smallpolaron import NUMERICS_VERSION

Scalar = str | int | float | bool | None

_LONGEST_PLAIN = 12
_SMALLEST_PLAIN = -4


def decimal_text(value: int | float) -> str:
    """Return the shortest decimal text of a finite number: 2.0 -> "2", 1e-07 -> "1e-7"."""
    number = Decimal(repr(value)).normalize()
    if number == 0:
        return "0"
    plain = format(number, "f")
    if len(plain) <= _LONGEST_PLAIN and number.adjusted() >= _SMALLEST_PLAIN:
        return plain
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    lead, rest = digits[0], "".join(map(str, digits[1:]))
    mantissa = f"{'-' if sign else ''}{lead}{'.' + rest if rest else ''}"
    return f"{mantissa}e{exponent + len(rest)}"


def lookup(parameters: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key in nested mappings.

    Raises:
        KeyError: there is no such parameter.
    """
    value: Any = parameters
    for part in key.split("."):
        try:
            value = value[part]
        except (KeyError, TypeError) as error:
            raise KeyError(f"the parameters have no '{key}'") from error
    return value


def scalar_text(value: Scalar) -> str:
    """Return the canonical text of a grid value: numbers as decimals, null as "none"."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return decimal_text(value) if isinstance(value, (int, float)) else value


def exact_product(a: float, b: float) -> float:
    """Return a * b computed in decimals, so that 6.46 * 50 is 323 and not its neighbour."""
    return float(Decimal(repr(a)) * Decimal(repr(b)))


def _spelled(value: Any) -> object:
    if isinstance(value, Mapping):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list):
        plain = (list, str)
        return [_spelled(each) if isinstance(each, plain) else decimal_text(each) for each in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    return {"number": decimal_text(value)}


def parameter_hash(parameters: Mapping[str, Any], numerics_version: int = NUMERICS_VERSION) -> str:
    """Return the SHA-256 (hex) over resolved parameters and the version of the numerics."""
    content = {
        "numerics_version": numerics_version,
        "parameters": _spelled(parameters),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
