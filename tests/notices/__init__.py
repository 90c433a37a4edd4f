"""Notices, read in a mailbox."""
