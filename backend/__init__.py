"""People, records and the commands that start work."""
