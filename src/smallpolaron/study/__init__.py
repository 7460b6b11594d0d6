"""What a user writes, until it is a plan of validated points."""
