"""Tests of agent.offline."""
