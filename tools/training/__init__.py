"""Recipes, hardware, tokens, checkpoints and the training itself."""
