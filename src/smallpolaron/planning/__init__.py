"""What a study will take and has done: its jobs, their price, their state."""
