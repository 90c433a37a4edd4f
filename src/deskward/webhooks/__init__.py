"""Webhooks: what happens at the desk, told to other programs over HTTP."""
