"""Deterministic work on files, models and MLflow. No web, no database, no agents."""
