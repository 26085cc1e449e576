"""Figures for a script or a notebook: predictions, mistakes and training curves."""
