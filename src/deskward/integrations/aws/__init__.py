"""AWS, spoken to by aiobotocore."""
