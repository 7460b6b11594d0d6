"""From file to file in seconds: what is derived from results, and the tables of a study."""
