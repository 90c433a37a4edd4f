"""The FAQ and its full-text search."""
