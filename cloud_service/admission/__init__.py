"""Who may come in, and when. Pure: instants are arguments, and nothing here waits, counts metrics or writes logs."""
