"""What a point holds: frozen sections with every default filled in."""
