"""The jobs that solve the dynamics, with their checkpoints."""
