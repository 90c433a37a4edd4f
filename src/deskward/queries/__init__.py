"""Queries over the desk's records: registered ones, and people's own."""
