"""Tests of messages of Kafka."""
