"""The agent: a turn loop over a `Model` that calls tools. It knows tools, not features."""
