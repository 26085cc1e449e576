"""Helpers for Lightning's Trainer."""
