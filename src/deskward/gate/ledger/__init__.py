"""The append-only, hash-chained, sealed record of every call."""
