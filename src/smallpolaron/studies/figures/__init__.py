"""Figures and tables of a study: one module, one ``main``, one picture and its numbers."""
