"""Around Lightning's Trainer."""
