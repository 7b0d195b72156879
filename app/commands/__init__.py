"""Commands by group; each module has `register(app)`."""
