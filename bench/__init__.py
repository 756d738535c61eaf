"""Measurements of DeepLocalize itself. Outside the wheel; uses only what a user can import."""
