"""Measuring how well the desk keeps to what it should, on labelled data."""
