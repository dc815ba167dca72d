"""Files that others export: bytes into text, text into rows, cells into values.

Bounded before anything is parsed, and nothing is guessed that could be wrong: what is
not clear is an error that says what to do. Apps that import something read through here.
"""
