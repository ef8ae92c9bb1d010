"""Passwords, tokens and secrets: everything here is small, and used through `accounts`."""
