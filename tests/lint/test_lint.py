"""The checks of Lua and CSS find what they are for, and nothing in what is there."""

from pathlib import Path

import pytest

from tests.lint import css, lua
from tests.lint.fault import Fault


def test_nothing_is_wrong_with_the_scripts_and_the_style_sheets() -> None:
    assert [*lua.faults(), *css.faults()] == []


def test_every_script_is_checked_with_what_comes_before_it() -> None:
    scripts = lua.scripts()
    assert [path.stem for path in scripts["check_code"]] == [
        *("clock", "prelude", "stamping", "codes", "guesses", "refusals", "check_code"),
    ]
    every = {path for files in scripts.values() for path in files}
    assert every == set(lua.FOLDER.glob("*.lua"))


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("return tonumbr(ARGV[1])", "tonumbr is not defined"),
        ("return string.subb(ARGV[1], 1)", "string.subb is not defined"),
        ("local key = KEYS[1]", "key is not used"),
        ("local now\nnow = 1", "now is not used"),
        ("for i, key in ipairs(KEYS) do redis.call('DEL', key) end", "i is not used"),
        ("count = 1", "count is set, and not local"),
        ("function count() end", "count is set, and not local"),
        ("local a = 1\nreturn function(a) return a end, a", "a hides another a"),
        ("local redis = KEYS\nreturn redis", "redis hides another redis"),
        ("if KEYS[1] then\n  return 1\n", "end is missing"),
        ("return 7 // 2", "Redis's Lua is 5.1: //"),
        ("local a <const> = 1\nreturn a", "Redis's Lua is 5.1: <const>"),
    ],
)
def test_what_is_meant_wrongly_in_a_script_is_found(script: str, what: str) -> None:
    assert [finding.what for finding in lua.check(script)] == [what]


@pytest.mark.parametrize(
    "script",
    [
        "local function f(a) return a and f(a - 1) end\nreturn f(1)",
        "for _, key in ipairs(KEYS) do redis.call('DEL', key) end",
        "for i = 1, #ARGV do redis.call('DEL', ARGV[i]) end",
        "local t = {count = 1, [ARGV[1]] = 2}\nt.size = 3\nreturn t:size()",
        "repeat local isOver = redis.call('LPOP', KEYS[1]) == false until isOver",
        "while redis.call('LPOP', KEYS[1]) do redis.call('INCR', KEYS[2]) end",
    ],
)
def test_what_is_right_is_left_alone(script: str) -> None:
    assert list(lua.check(script)) == []


def test_a_fault_is_told_once_and_in_its_own_file(tmp_path: Path) -> None:
    part, one, other = (tmp_path / name for name in ("part.lua", "one.lua", "other.lua"))
    part.write_text("local function used() return lost end\nlocal function unused() return 1 end\n")
    one.write_text("return used()\n")
    other.write_text("\nreturn missing\n")
    assert lua.faults_of([(part, one), (part, other)]) == [
        Fault(other, 2, "missing is not defined"),
        Fault(part, 1, "lost is not defined"),
        Fault(part, 2, "unused is not used"),
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("return 1 \n", 1),
        ("do\n\treturn 1\nend\n", 2),
        ("do\n   return 1\nend\n", 2),
        ("return 1\n\n", 2),
        ("\nreturn " + "1" * 100 + "\n", 2),
        ('return {"created"}\n', 1),
    ],
)
def test_a_layout_that_is_not_ours_is_found(text: str, line: int) -> None:
    assert [number for number, _ in lua.layout(text)] == [line]


@pytest.mark.parametrize(
    ("sheet", "what"),
    [
        (".a {\n  color: red;\n  color: blue;\n}", "color is set twice in one rule"),
        (".a {\n  color: var(--attn-god);\n}", "--attn-god is set nowhere"),
        (".a {\n  color: red;\n", "} is missing"),
        (".a {\n  color red;\n}", "does not belong here: 'color red;'"),
        (".a {\n  color: red;\n}}", "does not belong here: '}'"),
    ],
)
def test_what_is_wrong_in_a_style_sheet_is_found(sheet: str, what: str) -> None:
    assert [found for _, found in css.check(sheet, {"--attn-good"})] == [what]
