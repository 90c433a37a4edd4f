"""Known disturbances: taken from monitoring or reported by staff, and joined by those they hit."""
