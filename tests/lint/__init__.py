"""Checks of Lua and CSS for which no well-kept linter is a package: `python -m tests.lint`."""
