"""One module a tab; each has `render(client)`."""
