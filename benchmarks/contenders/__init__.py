"""Trainings to compare with, each run by the Python that has its library."""
