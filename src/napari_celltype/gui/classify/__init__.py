"""The dock "Classify"."""
