"""What a result file is: kinds, quantities, how they are stored and checked."""
