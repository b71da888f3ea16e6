"""Who may come in, and when. Pure, but for opening.py: instants are arguments, and nothing waits, counts or logs."""
