"""Kafka's brokers, spoken to by librdkafka."""
