"""Find private data in the rows of a dataset, report it, and take it out."""
