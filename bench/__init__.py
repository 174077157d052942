"""Measures Campfire from outside, and never is part of what is installed."""
