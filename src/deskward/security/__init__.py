"""Who is calling: principals, roles, API keys; and what must never leak."""
