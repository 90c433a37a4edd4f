"""Documents: read, kept in step with their sources, and brought to the index."""
