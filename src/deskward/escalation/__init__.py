"""Escalation: how long customers may wait, and when somebody else has to look."""
