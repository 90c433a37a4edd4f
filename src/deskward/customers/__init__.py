"""Customers and their contact data."""
