"""A page around an exported model: in one file, or from a server; no torch."""
