"""Picture of a bath: spectral density, correlation function, and what an expansion keeps."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from smallpolaron.figures.style import BLACK, BLUE, GREY, VERMILION, new_figure
from smallpolaron.model.baths.expansion import BathExpansion
from smallpolaron.model.baths.lineshape import correlation_samples
from smallpolaron.model.baths.spectral_density import SpectralDensity
from smallpolaron.model.units import CM_TO_RAD_FS, beta


def draw_bath(
    bath: SpectralDensity, temperature_K: float, expansion: BathExpansion | None = None
) -> Figure:
    """Draw J(w), the power spectrum and C(t) of a bath, with those of its expansion.

    Args:
        bath: the bath of a site.
        temperature_K: temperature, K.
        expansion: what a run uses in its place; None leaves it out.

    Returns:
        The figure.
    """
    figure = new_figure(9.2, 3.2)
    left, middle, right = figure.subplots(1, 3)
    fastest = _fastest(bath)
    w = np.linspace(-fastest, fastest, 1200)
    positive = w[w > 0]
    left.plot(positive / CM_TO_RAD_FS, bath.spectral_density(positive) / CM_TO_RAD_FS, color=BLACK)
    left.set(xlabel="ω (cm⁻¹)", ylabel="J(ω) (cm⁻¹)", title="Spectral density")
    exact = bath.spectral_density(w) * (1 / np.tanh(beta(temperature_K) * w / 2) + 1)
    middle.plot(w / CM_TO_RAD_FS, exact / CM_TO_RAD_FS, color=BLACK, label="exact")
    middle.set(
        xlabel="ω (cm⁻¹)", ylabel="S(ω) (cm⁻¹)", title=f"Power spectrum, {temperature_K:g} K"
    )
    t = np.linspace(0, 6 / bath.slowest, 601)[1:]
    c = correlation_samples(bath, t, temperature_K) / CM_TO_RAD_FS**2 / 1000
    right.plot(t, c.real, color=BLACK, label="Re C")
    right.plot(t, c.imag, color=GREY, label="Im C")
    right.set(xlabel="t (fs)", ylabel="C(t) (10³ cm⁻²)", title="Correlation function")
    if expansion is not None:
        name = f"{expansion.n_terms} terms ({expansion.scheme})"
        fit = expansion.spectrum(w) / CM_TO_RAD_FS
        middle.plot(w / CM_TO_RAD_FS, fit, "--", color=VERMILION, label=name)
        ours = expansion.correlation(t) / CM_TO_RAD_FS**2 / 1000
        right.plot(t, ours.real, "--", color=VERMILION, label=name)
        right.plot(t, ours.imag, "--", color=BLUE)
        middle.legend()
    right.legend()
    return figure


def _fastest(bath: SpectralDensity) -> float:
    """A little above where all but a twentieth of the reorganisation energy lies, rad/fs."""
    w = np.geomspace(0.01, 300, 3000) * bath.slowest
    share = np.cumsum(bath.spectral_density(w))
    return 1.3 * float(w[np.searchsorted(share, 0.95 * share[-1])])
