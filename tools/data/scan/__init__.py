"""Look for injected instructions, hidden text, harmful code and unusual rows in a dataset."""
