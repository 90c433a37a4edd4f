"""A2A 1.0 (a2a-protocol.org): other people's agents talk with this one."""
