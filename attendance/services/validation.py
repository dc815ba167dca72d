"""Checks of what callers send: made once, here, before anything is written."""

from collections.abc import Sequence

from django.conf import settings

from attendance.errors import InvalidInput
from attendance.live import codes
from attendance.live.payloads import Network, is_request_id
from attendance.services.ids import new_request_id
from attendance.vocabulary import LONGEST_LESSON_NAME, LONGEST_REASON, MOST_NETWORKS, Check
from users.errors import gettext_noop as _
from users.identity import Person, canonical_school_number, clean_full_name, clean_text


def clean_person(person: Person) -> Person:
    """A person in canonical form. Raises InvalidSchoolNumber or InvalidFullName."""
    number = canonical_school_number(person.school_number)
    return Person(number, clean_full_name(person.full_name), person.role)


def clean_lesson_name(text: str) -> str:
    """Raises InvalidInput for an empty name, a long one, and control characters."""
    name = clean_text(text)
    if not name or len(name) > LONGEST_LESSON_NAME:
        raise InvalidInput(
            _(
                "The name of a lesson has 1 to %(most)d characters and no control characters. "
                "Correct it and try again."
            ),
            most=LONGEST_LESSON_NAME,
        )
    return name


def clean_reason(text: str) -> str:
    """Raises InvalidInput for a reason that is too long or has control characters."""
    reason = clean_text(text)
    if reason is None or len(reason) > LONGEST_REASON:
        raise InvalidInput(
            _("A reason has at most %(most)d characters, on one line. Shorten it."),
            most=LONGEST_REASON,
        )
    return reason


def clean_request_id(text: str) -> str:
    """The caller's request id, or a new one. Raises InvalidInput."""
    if text and not is_request_id(text):
        raise InvalidInput(
            _("A request id has 1 to 64 letters, digits, dots, colons, hyphens or underscores.")
        )
    return text or new_request_id()


def clean_checks(checks: Sequence[str]) -> tuple[str, ...]:
    """What a lesson asks of a check-in, each once. Raises InvalidInput."""
    clean = tuple(check for check in Check.values if check in checks)
    if len(clean) != len(set(checks)):
        raise InvalidInput(_("A check is one of code, network, external. Leave out the others."))
    if Check.EXTERNAL in clean and not settings.VERIFIER_URL:
        raise InvalidInput(
            _("No external verifier is set up. Leave out the check, or ask your staff for it.")
        )
    return clean


def clean_networks(networks: Sequence[str], checks: Sequence[str]) -> tuple[Network, ...]:
    """The networks of a lesson; those of the campus where none is given. Raises InvalidInput."""
    if Check.NETWORK not in checks:
        if networks:
            raise InvalidInput(_("Networks are for the check network. Add it, or leave them out."))
        return ()
    cidrs = list(networks) or settings.NETWORKS
    if not 1 <= len(cidrs) <= MOST_NETWORKS:
        raise InvalidInput(
            _("Name 1 to %(most)d networks, as in 10.20.0.0/16."), most=MOST_NETWORKS
        )
    return tuple(_network(cidr) for cidr in cidrs)


def _network(cidr: str) -> Network:
    try:
        return codes.network_of(cidr)
    except ValueError:
        raise InvalidInput(
            _(
                "%(network)r does not appear to be an IPv4 or IPv6 network. "
                "Write a network as in 10.20.0.0/16."
            ),
            network=cidr.strip(),
        ) from None
