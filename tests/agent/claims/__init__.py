"""Tests of agent.claims."""
