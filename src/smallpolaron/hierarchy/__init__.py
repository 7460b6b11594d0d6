"""The hierarchy: which auxiliary density operators there are and what couples to what."""
