"""How a carrier spreads: displacement, exponents, regimes, plateaus."""
