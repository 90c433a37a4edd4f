"""Tests of outside MCP servers."""
