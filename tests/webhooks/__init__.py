"""Webhooks, against a program that takes them."""
