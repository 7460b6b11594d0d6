"""What is done with finished results: checked, packed, computed again."""
