"""Who wants no daily mail: said on the page of the account, or by the link in each mail.

The link is signed and names the account alone. It is good for as long as the key of the site: an
old mail can still be used to end them, and can do nothing else.
"""

from typing import Final

from django.conf import settings
from django.core import signing
from django.utils import timezone

from courses.models import Enrolment
from courses.vocabulary import EnrolmentRole
from reports.models import DigestOptOut
from users.models import User
from users.selectors import accounts_query

_SALT: Final = "attn.digest.stop"


def stop_token(user_id: int) -> str:
    """What the address of a mail has in it."""
    return signing.dumps(user_id, salt=_SALT)


def reader_of(token: str) -> int | None:
    """Whose mails a token ends; None where it is not ours, or the account is gone."""
    try:
        user_id = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return user_id if User.objects.filter(pk=user_id).exists() else None


def choose(user_id: int, *, is_wanted: bool) -> None:
    """Say whether somebody wants the mail; the same again changes nothing.

    What one account of a person says ends the mail to all: a link can be older than a merge.
    """
    if is_wanted:
        DigestOptOut.objects.filter(user__in=accounts_query(user_id)).delete()
    else:
        row = DigestOptOut(user_id=user_id, since=timezone.now())
        DigestOptOut.objects.bulk_create([row], ignore_conflicts=True)


def is_wanted_by(user: User) -> bool | None:
    """Whether somebody gets the mail; None where there is nothing to choose: they never taught."""
    is_sent = settings.EMAIL_IS_SET_UP and settings.DIGEST_AT is not None
    own = accounts_query(user.pk)
    taught = Enrolment.objects.filter(user__in=own, role=EnrolmentRole.TEACHER)
    if not (is_sent and user.email and taught.exists()):
        return None
    return not DigestOptOut.objects.filter(user__in=own).exists()
