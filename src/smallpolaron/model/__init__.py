"""The physical model: units, the Holstein Hamiltonian and its baths."""
