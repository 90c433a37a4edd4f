"""Tests of what the benchmarks make of their figures; nothing is measured here."""
