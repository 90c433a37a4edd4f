"""Engines that find passages: embedded, PostgreSQL, OpenSearch."""
