"""Stand-ins for the platforms of others: programs of their own, spoken to over HTTP, each with its own ledger."""
