"""What courses know: rows that are read, never written."""
