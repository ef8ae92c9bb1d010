"""The API's routes, one router a resource."""
