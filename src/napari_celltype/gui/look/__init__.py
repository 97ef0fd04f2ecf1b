"""The dock "ROIs and traces"."""
