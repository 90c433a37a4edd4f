"""Guided troubleshooting: workflows that people write, and sessions that walk them to a cause."""
