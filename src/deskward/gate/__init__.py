"""The one gate: every tool runs through `Gate.call`."""
