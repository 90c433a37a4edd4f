"""AG-UI 1.0 (ag-ui.com): a conversation with the agent for stock clients of that protocol."""
