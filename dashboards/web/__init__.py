"""The board: one file for each group of pages, one table of routes and roles."""
