"""A ticket's summary, evidence, reply, confidence and handling."""
