"""Measuring the desk against labelled data."""
