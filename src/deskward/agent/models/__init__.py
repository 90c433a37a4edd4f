"""The models that a turn can be run by."""
