"""How the recipes of other tools are read: one module a tool, and what they share."""
