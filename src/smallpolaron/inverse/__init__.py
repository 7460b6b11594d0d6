"""From a measurement back to the Hamiltonian: training points, emulators, posterior."""
