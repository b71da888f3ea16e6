"""Who is calling: credentials in, a Caller out. No transport, and nothing of a request but its credential."""
