"""Datasets: read, recognise, check, clean and split them."""
