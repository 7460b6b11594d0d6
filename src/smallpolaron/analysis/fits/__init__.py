"""Drude-Smith and its rivals, fitted to a conductivity."""
