"""Whom the provider knows, and ATTN as its client."""

CLIENT_ID, CLIENT_SECRET, PASSWORD = "attn", "a-secret-of-the-tests", "campus-password"
WITHOUT_NUMBER = "without-number"
"""A person of whom it does not say the number."""
