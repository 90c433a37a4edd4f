"""Mail that comes in: kept first, then read, and filed with the ticket that it belongs to."""
