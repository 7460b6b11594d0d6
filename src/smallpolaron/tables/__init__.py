"""Tables of numbers from outside: one reader, for every command, bath and fit."""
