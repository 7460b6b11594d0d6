"""What runs on one rank and on several must have in common."""

import numpy as np
import pytest


def agree(together, alone, names, rtol=1e-9):
    """Arrays of both agree to rounding, relative to their largest value."""
    for name in names:
        ours, theirs = np.asarray(getattr(together, name)), np.asarray(getattr(alone, name))
        scale = np.abs(theirs).max(initial=0.0)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=rtol * scale, err_msg=name)


def same(together, alone, names):
    """Numbers of both are the same."""
    for name in names:
        np.testing.assert_array_equal(getattr(together, name), getattr(alone, name), err_msg=name)


def same_course(together, alone):
    """Both went through the same steps and bases."""
    agree(together, alone, ("norm", "outside_flow", "step_time_fs"))
    same(together, alone, ("basis_size", "n_nonzeros", "products", "growth_detected"))
    assert together.capped == pytest.approx(alone.capped, rel=1e-9)
