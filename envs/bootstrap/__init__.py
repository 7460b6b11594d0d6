"""Sets up smallpolaron: the locked environment, and PETSc by the fastest route that is there."""
