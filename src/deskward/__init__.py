"""Deskward: a customer-support desk run by an AI agent, in which every action passes one gate."""

__version__ = "0.1.0"
