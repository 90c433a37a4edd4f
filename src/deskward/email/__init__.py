"""Mail to customers: written, queued, sent at most once."""
