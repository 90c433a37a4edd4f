"""Tests of deskward.evaluation."""
