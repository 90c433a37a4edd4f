"""Tests of entrypoints.mcp."""
