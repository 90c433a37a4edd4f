"""Support tickets, and the handover to a person."""
