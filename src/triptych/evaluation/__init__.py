"""A model over the samples of a split."""
