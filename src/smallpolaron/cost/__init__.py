"""What a job will take, before it is submitted; learned from finished jobs (docs/cost.md)."""
