"""A2A, by its official client and without one."""
