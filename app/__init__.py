"""Read the configuration, own the clock, run the loops."""
