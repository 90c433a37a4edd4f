"""Orders: what was bought, where it goes, and how far it is."""
