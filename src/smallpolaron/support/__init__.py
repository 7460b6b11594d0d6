"""What all rooms use: bounded reading, exact text, files that appear as a whole or not at all."""
