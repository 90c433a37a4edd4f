"""Sessions, messages and turns, kept in the database."""
