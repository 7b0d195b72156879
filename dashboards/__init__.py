"""Show, take people's actions, write reports."""
