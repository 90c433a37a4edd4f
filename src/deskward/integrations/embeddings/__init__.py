"""What turns texts into vectors: models that ship their weights, a folder, or a service."""
