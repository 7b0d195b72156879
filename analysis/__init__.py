"""Understand what was gathered: pure functions of documents and configuration."""
