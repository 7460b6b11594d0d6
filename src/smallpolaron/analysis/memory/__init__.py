"""Memory kernels: of the current, with derivatives, of populations; their cutoff and moments."""
