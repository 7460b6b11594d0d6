"""Analysis of anyone's correlation function, read from a table."""
