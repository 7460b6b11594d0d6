"""Studies: configuration, grid, plan, resources, result files, tables and figures."""
