"""Queries over the desk's records."""
