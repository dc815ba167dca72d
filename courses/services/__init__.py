"""What changes courses, one verb each."""
