"""Tests of gate.ledger."""
