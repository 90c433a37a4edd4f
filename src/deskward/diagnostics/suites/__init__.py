"""Suites of tests that run by themselves."""
