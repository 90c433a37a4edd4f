"""Files that were uploaded or made by a tool."""
