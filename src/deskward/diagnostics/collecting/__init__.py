"""Suites that run on a customer's machine: the program, and what becomes of what it sends."""
