"""Analysis of correlation functions: pure NumPy and SciPy, without files or MPI."""
