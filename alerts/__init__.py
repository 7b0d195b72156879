"""Decide, route, plan, escalate, send: who must answer, by when, and whether they did."""
