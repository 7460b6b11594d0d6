"""What the benchmarks time; every function here runs in a process of its own."""
