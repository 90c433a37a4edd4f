"""The model that needs no network: skills, slots and the FAQ."""
