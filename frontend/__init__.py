"""The studio's screens. They draw, and speak HTTP only through `crewtune`."""
