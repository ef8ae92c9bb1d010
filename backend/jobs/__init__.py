"""The queues: what waits, who does it, and what is told of it."""
