"""People: how accounts begin, sign in, are known again, and are managed."""
