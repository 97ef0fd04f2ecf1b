"""Labelling: its dock, its keys, and labels that save themselves."""
