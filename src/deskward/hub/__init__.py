"""Outside MCP servers: their tools, pinned, behind the same gate."""
