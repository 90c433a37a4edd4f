"""Tests of entrypoints.rest."""
