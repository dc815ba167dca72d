"""What an error of ATTN is, and what can be wrong with a person's data.

An error carries a stable `code`, a message with placeholders, and the values
that fill it. `detail` is the English sentence, for the API and for logs;
`users.wording.in_words` says it in the reader's language. Nothing here needs
Django: rules without a server raise these errors too.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, NamedTuple


def gettext_noop(message: str) -> str:
    """Mark a message for the catalogue; it is translated where it is shown.

    makemessages looks for this name, and for `_`.
    """
    return message


_ = gettext_noop

_MINUTE = 60


class Wait(NamedTuple):
    """How long to wait before the next try."""

    seconds: int

    @property
    def minutes(self) -> int:
        """Whole ones, rounded up; 0 where seconds say it better."""
        return -(-self.seconds // _MINUTE) if self.seconds > _MINUTE else 0

    def __str__(self) -> str:
        if self.minutes:
            return f"{self.minutes} minutes"
        return "1 second" if self.seconds == 1 else f"{self.seconds} seconds"


class AttnError(Exception):
    """Base of every error of ATTN.

    The message is a literal with `%(name)s` for each value, so that the catalogue
    can hold it: `InvalidInput(_("At most %(most)d characters."), most=500)`.
    Without one, the error has the default message of its class.
    """

    code: ClassVar[str] = "attn_error"
    default_message: ClassVar[str] = _("Something is wrong.")
    facts: ClassVar[frozenset[str]] = frozenset()
    """The values that programs are given as well; the others only fill the message."""

    def __init__(self, message: str = "", /, **values: Any) -> None:
        super().__init__(message)
        self.message = message or self.default_message
        if "retry_after" in values:
            values["wait"] = Wait(values["retry_after"])
        self.values: Mapping[str, Any] = values

    def __str__(self) -> str:
        return self.detail

    @property
    def detail(self) -> str:
        """The sentence in English."""
        return self.message % {name: _spelt(value) for name, value in self.values.items()}

    @property
    def context(self) -> dict[str, Any]:
        """The values that programs get as well."""
        return {name: _spelt(self.values[name]) for name in self.values if name in self.facts}

    def as_dict(self) -> dict[str, Any]:
        """An error as callers get it: code, detail and context."""
        return {"code": self.code, "detail": self.detail, **self.context}


def _spelt(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


class UserError(AttnError):
    """Base of the errors about people."""

    code = "user_error"
    default_message = _("Something is wrong with this person's data.")


class InvalidSchoolNumber(UserError):
    code = "invalid_school_number"
    default_message = _(
        "A school number has 1 to 32 letters A-Z, digits, dots, hyphens or underscores, "
        "and begins with a letter or a digit. Correct it and try again."
    )


class InvalidFullName(UserError):
    code = "invalid_full_name"
    default_message = _(
        "A full name has 1 to %(most)d characters, something that can be seen, and no control "
        "characters or marks that turn the line around. Correct it and try again."
    )


class UsersMissing(UserError):
    """Users that were just inserted are not there: nothing may point to them."""

    code = "users_missing"
    default_message = _(
        "%(count)d users are missing after they were inserted, first %(first)s. "
        "Somebody is deleting users: the next run tries again."
    )


class PersonNotFound(UserError):
    code = "person_not_found"
    default_message = _("Nobody has the number %(number)s. Check it and try again.")


class TokenNotFound(UserError):
    code = "token_not_found"
    default_message = _("You have no such token. Load the list again.")


class NumberIsFormer(UserError):
    """What a lesson or a receipt says under a former number is of whoever had it."""

    code = "number_is_former"
    default_message = _(
        "%(number)s was the number of somebody who has %(now)s now, and marks may still name it. "
        "Use %(now)s for that person, and a number that nobody had for anybody else."
    )


class InvalidReason(UserError):
    code = "invalid_reason"
    default_message = _(
        "Say why, in one line of at most %(most)d characters: whoever looks later wants to know."
    )


class MayNotMerge(UserError):
    code = "may_not_merge"
    default_message = _("Only staff merge accounts and take merges back. Ask them.")


class MergeNeedsSuperuser(UserError):
    """Whoever merges an account away decides who can sign in with it."""

    code = "merge_needs_superuser"
    default_message = _("An account of staff is merged by a superuser only. Ask one.")


class MergeOfOwnAccount(UserError):
    code = "merge_of_own_account"
    default_message = _(
        "You are signed in with %(number)s and would lock yourself out. Merge the other account "
        "into this one, or ask somebody else."
    )


class MergeWithOneself(UserError):
    code = "merge_with_oneself"
    default_message = _("%(number)s cannot be merged into itself. Name the other account.")


class MergeInACircle(UserError):
    code = "merge_in_a_circle"
    default_message = _(
        "%(into)s is merged into %(number)s already. To keep the other number, take that merge "
        "back first."
    )


class AlreadyMerged(UserError):
    code = "already_merged"
    default_message = _(
        "%(number)s is merged into %(into)s already. Take that merge back first, then merge again."
    )
    facts = frozenset({"into"})


class MergeTargetMerged(UserError):
    code = "merge_target_merged"
    default_message = _("%(number)s is merged into %(into)s itself. Merge into %(into)s instead.")
    facts = frozenset({"into"})


class HasMergedAccounts(UserError):
    code = "has_merged_accounts"
    default_message = _(
        "Other accounts are merged into %(number)s, first %(first)s. Merge into %(number)s "
        "instead, or take those merges back first."
    )
    facts = frozenset({"first"})


class MergeRolesDiffer(UserError):
    code = "merge_roles_differ"
    default_message = _(
        "The role of %(number)s is %(role)s, that of %(into)s is %(other_role)s, and one account "
        "has one role. Give both the same role first, or leave them apart."
    )


class MergeTargetInactive(UserError):
    code = "merge_target_inactive"
    default_message = _(
        "Nobody can sign in with %(number)s, so this person could not any more. Merge the other "
        "way round, or let %(number)s sign in first."
    )


class NotMerged(UserError):
    code = "not_merged"
    default_message = _("%(number)s was never merged, so there is nothing to take back.")


class AccountMerged(UserError):
    """Number and password are right, and another account stands for this one."""

    code = "account_merged"
    default_message = _(
        "Your number %(number)s was merged into %(into)s. Sign in with %(into)s. If that is not "
        "you, speak to your staff."
    )
    facts = frozenset({"into"})


class SignInBusy(UserError):
    """As many passwords are hashed as this process can bear; nothing was tried."""

    code = "sign_in_busy"
    default_message = _("Many people are signing in at this moment. Try again in %(wait)s.")
    facts = frozenset({"retry_after"})


class SecondFactorUnreadable(UserError):
    """No key of this site opens what is stored of the factor: nobody can judge a code."""

    code = "second_factor_unreadable"
    default_message = _(
        "Your second factor cannot be read any more, so no code can be judged. Ask your staff to "
        "remove it, then sign in and set up a new one."
    )


class UnreadableFile(UserError):
    code = "unreadable_file"
    default_message = _("The file is not UTF-8. Save it as CSV UTF-8.")


class EncodingUnknown(UserError):
    """Not UTF-8: two encodings are likely, and only a person sees which is right."""

    code = "encoding_unknown"
    default_message = _(
        "The file is not UTF-8. In %(first)s its names read: %(first_names)s. In %(second)s: "
        "%(second_names)s. Choose the encoding in which they are right (for a command: "
        "--encoding %(first)s), or save the file as CSV UTF-8."
    )


class FileTooLarge(UserError):
    code = "file_too_large"
    default_message = _("The file has more than %(most)d MB. Split it into several.")


class RowError(AttnError):
    """Base of what is wrong with one row of a file: it is left out."""

    code = "bad_row"
    default_message = _("Something is wrong with this row.")


class UnreadableRow(RowError):
    code = "unreadable_row"
    default_message = _("This line is not CSV: %(error)s. Correct it.")


class RowOfSeveralLines(RowError):
    code = "row_of_several_lines"
    default_message = _("A quotation mark is open here and takes the next lines with it. Close it.")


class TooManyValues(RowError):
    code = "too_many_values"
    default_message = _("This row has more values than columns.")


class TooFewValues(RowError):
    code = "too_few_values"
    default_message = _("This row ends before the last column. Complete it.")


class InvalidDay(RowError):
    code = "invalid_day"
    default_message = _("%(cell)r is no day. Write it as 2026-09-14 or 14.09.2026.")


class NumberFromSpreadsheet(RowError):
    code = "number_from_spreadsheet"
    default_message = _(
        "A spreadsheet has rounded this number to %(cell)s. Make the column text there, and "
        "enter the number again."
    )


class InvalidRole(RowError):
    code = "invalid_role"
    default_message = _("A role is student, teacher or staff.")


class InvalidEmail(RowError):
    code = "invalid_email"
    default_message = _("This is not an e-mail address.")


class WeakPassword(RowError):
    code = "weak_password"
    default_message = _("The password has characters that nobody can type.")


class DuplicateNumber(RowError):
    code = "duplicate_number"
    default_message = _("Line %(line)d has the same school number. Remove one of them.")


class SuperuserRow(RowError):
    code = "superuser"
    default_message = _("A superuser is changed in the admin only. Remove this row.")
