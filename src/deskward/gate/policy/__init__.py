"""What policies are, who wrote which version, and what they decide."""
