"""Baths for the tests of vibrations and of several baths per site."""

from smallpolaron.model.baths.bath import BrownianBath, DebyeBath
from smallpolaron.model.baths.decomposition import expand
from smallpolaron.model.baths.spectral_density import BathSum
from smallpolaron.model.units import CM_TO_RAD_FS as CM

T = 300.0
VIBRATION = BrownianBath(100 * CM, 60 * CM, 120 * CM)
BOTH = BathSum((DebyeBath(60 * CM, 90 * CM), BrownianBath(60 * CM, 50 * CM, 150 * CM)))
VIBRATION_TERMS = expand(VIBRATION, T, "pade", 1)
BOTH_TERMS = expand(BOTH, T, "pade", 1)
