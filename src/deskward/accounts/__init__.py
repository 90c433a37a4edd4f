"""Bank-like accounts: balance, transactions, address, password, cards."""
