"""Rosters come in: read, plan, show the plan, apply the plan with that digest.

`reading` makes rows of a file, `world` looks up what ATTN has, `deciding` says for each
row what it would do (pure, no queries), `planning` puts that together, `brake` stops
what would end too much, `applying` writes, one transaction for each section. Other
formats than plain CSV make the same rows and go the same way from there.
"""
