"""The dock "Watch"."""
