"""Senders, one file each; the registry is a plain dict."""
