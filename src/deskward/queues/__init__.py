"""Queues: which specialist looks at what, in which order, and how soon."""
