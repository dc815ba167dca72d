"""Servers of a test's own, in a folder of its own: it may kill, stall and restart them."""
