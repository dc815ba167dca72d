"""The rules of attendance: pure functions, without Django, a database or a clock of their own."""
