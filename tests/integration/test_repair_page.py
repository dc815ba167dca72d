"""docs/how-to/repair.md: each of its commands is run where its fault is, and mends it."""

import re
from pathlib import Path

import pytest

from tests.support.callers import account
from tests.support.members import STAFF
from tests.support.repair_page import PAGE, Block, blocks, run
from tests.support.repair_scenes import SCENES

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_block_of_the_page_has_its_fault() -> None:
    assert {block.name for block in blocks()} == set(SCENES)
    # Commands stand in blocks with a language, where this finds them.
    text = re.sub(r"(?ms)^( *)```(sh|sql)\n.*?^\1```$", "", PAGE.read_text())
    assert "```" not in text
    assert not re.search(r"^ {4,}(\./|manage\.py|valkey-cli)", text, re.MULTILINE)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.name)
def test_the_commands_of_the_page_mend_what_they_are_for(block: Block, tmp_path: Path) -> None:
    account(STAFF)
    with SCENES[block.name](tmp_path) as values:
        run(block, tmp_path, values)
