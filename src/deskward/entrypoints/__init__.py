"""The doors: REST, MCP, command line. Ways in, no business rules."""
