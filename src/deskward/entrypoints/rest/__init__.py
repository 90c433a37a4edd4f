"""Chat, sessions, uploads and tools over REST."""
