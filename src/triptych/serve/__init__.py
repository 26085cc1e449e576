"""One page around an exported model, from a server or as a file; no torch."""
