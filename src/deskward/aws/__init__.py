"""AWS: objects of S3, functions of Lambda and parameters, of those that the operator has listed."""
