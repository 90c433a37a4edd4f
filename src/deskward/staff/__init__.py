"""Members of staff: who works at the desk."""
