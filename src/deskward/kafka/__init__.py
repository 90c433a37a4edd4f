"""Kafka: messages are published and consumed by tools, on topics that the operator has listed."""
