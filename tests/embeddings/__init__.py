"""Tests of what makes vectors of texts."""
