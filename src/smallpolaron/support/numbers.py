"""Numbers as they are printed."""

from __future__ import annotations

import math


def with_error(value: float, error: float) -> str:
    """Return a number with its error, both to the second digit of the error.

    ``0.3373 ± 0.0021``; five digits of the number alone where the error is not finite and
    positive; six, where more than six decimal places would be needed.
    """
    if not math.isfinite(error) or error <= 0.0:
        return f"{value:.5g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    if digits > 6:
        return f"{value:.6g} ± {error:.1g}"
    return f"{value:.{digits}f} ± {error:.{digits}f}"
