"""The dock "Export"."""
