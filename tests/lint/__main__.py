"""Say what is wrong with the scripts of the live store and with the style sheets."""

import sys

from tests.lint import css, lua

sys.exit("\n".join(map(str, [*lua.faults(), *css.faults()])) or 0)
