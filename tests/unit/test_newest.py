"""What a process remembers of the revisions that Redis has told it."""

from uuid import UUID

import pytest

from attendance.live import newest
from attendance.live.newest import NewestRevisions

LESSON, OTHER = UUID(int=1), UUID(int=2)


def test_answers_that_come_in_another_order_are_no_return() -> None:
    heard = NewestRevisions()
    heard.keep(LESSON, 7, before=5)
    heard.keep(LESSON, 6, before=5)
    assert heard.revision(LESSON) == 7
    assert not heard.returns()


def test_a_change_that_is_not_newer_than_what_was_heard_before_it_was_sent_is_one() -> None:
    heard = NewestRevisions()
    heard.keep(LESSON, 7, before=0)
    heard.keep(LESSON, 7, before=7)
    heard.keep(LESSON, 4, before=7)
    assert len(heard.returns()) == 2
    # From there on the copy is what is heard of.
    assert heard.revision(LESSON) == 4


def test_what_was_told_is_not_told_again() -> None:
    heard = NewestRevisions()
    heard.tell(1.0)
    heard.tell(2.0)
    heard.told([1.0])
    assert heard.returns() == (2.0,)


def test_a_lesson_of_which_more_was_heard_meanwhile_is_kept() -> None:
    heard = NewestRevisions()
    heard.keep(LESSON, 7, before=0)
    before = heard.heard()[LESSON]
    heard.keep(LESSON, 8, before=7)
    heard.drop(LESSON, before)
    assert heard.revision(LESSON) == 8
    heard.drop(LESSON, heard.heard()[LESSON])
    assert heard.revision(LESSON) == 0


def test_the_first_of_too_many_lessons_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "MOST_LESSONS", 1)
    heard = NewestRevisions()
    heard.keep(LESSON, 7, before=0)
    heard.keep(OTHER, 3, before=0)
    assert list(heard.heard()) == [OTHER]
