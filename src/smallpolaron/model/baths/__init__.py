"""Baths: spectral densities, their data, and sums of exponentials that stand for them."""
