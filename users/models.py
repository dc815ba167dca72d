"""The people of a school: one table for students, teachers and staff."""

from typing import Any, ClassVar

from django.contrib.auth.models import BaseUserManager, PermissionsMixin
from django.contrib.auth.password_validation import validate_password
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from users import constraints, identity, proofs
from users.errors import InvalidSchoolNumber
from users.link_models import LinkKind, PasswordLink
from users.passwords import PasswordOwner
from users.security_models import SecurityEvent, SecurityKind
from users.sign_in_models import AccountNotice, SignInSession, TokenProof

__all__ = (
    "AccountNotice",
    "FormerNumber",
    "LinkKind",
    "MergeKind",
    "PasswordLink",
    "PersonMerge",
    "RoleChoices",
    "SecurityEvent",
    "SecurityKind",
    "SignInSession",
    "TokenProof",
    "User",
)

LONGEST_MERGE_REASON = 500


class RoleChoices(models.TextChoices):
    STUDENT = identity.Role.STUDENT.value, _("student")
    TEACHER = identity.Role.TEACHER.value, _("teacher")
    STAFF = identity.Role.STAFF.value, _("staff")


class MergeKind(models.TextChoices):
    MERGE = "merge", _("merged")
    UNMERGE = "unmerge", _("taken back")


class UserManager(BaseUserManager["User"]):
    """Makes users in canonical form, and finds them however the number is typed."""

    def create_user(
        self, school_number: str, full_name: str, password: str | None = None, **fields: Any
    ) -> "User":
        """Make one user; without a password nobody can sign in as them.

        Raises InvalidSchoolNumber or InvalidFullName.
        """
        user = self.model(
            school_number=identity.canonical_school_number(school_number),
            full_name=identity.clean_full_name(full_name),
            **fields,
        )
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, school_number: str, full_name: str, password: str | None = None, **fields: Any
    ) -> "User":
        """Make a member of staff who may do everything (`manage.py createsuperuser`).

        Raises ValidationError for a password that no page would take.
        """
        fields |= {"role": RoleChoices.STAFF, "is_superuser": True}
        if password is not None:
            person = self.model(school_number=school_number, full_name=full_name)
            validate_password(password, person)
        return self.create_user(school_number, full_name, password, **fields)

    def who_may_sign_in(self) -> "models.QuerySet[User]":
        return self.filter(is_active=True, merged_into=None)

    def get_by_natural_key(self, username: str | None) -> "User":
        # No user has a number that is not valid.
        try:
            number = identity.canonical_school_number(username or "")
        except InvalidSchoolNumber:
            raise self.model.DoesNotExist from None
        user = self.filter(school_number=number).first()
        return user or self.get(former_numbers__number=number)


class User(PasswordOwner, PermissionsMixin):
    """A person, known by their school number."""

    school_number = models.CharField(
        _("school number"), max_length=identity.LONGEST_SCHOOL_NUMBER, unique=True
    )
    full_name = models.CharField(_("full name"), max_length=identity.LONGEST_FULL_NAME)
    role = models.CharField(
        _("role"), max_length=10, choices=RoleChoices, default=RoleChoices.STUDENT
    )
    email = models.EmailField(_("e-mail address"), blank=True)
    is_active = models.BooleanField(_("may sign in"), default=True)
    must_change_password = models.BooleanField(
        _("must change the password"), default=False, db_default=False, editable=False
    )
    """Somebody else has set it: an import, or staff. Whoever signs in with it changes it first."""
    session_version = models.PositiveIntegerField(default=0, editable=False)
    """Counted up to end every session of this user."""
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    merged_into = models.ForeignKey(
        # The partial index below serves look-ups: nearly nobody is merged.
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        db_index=False,
        related_name="merged_accounts",
        verbose_name=_("merged into"),
    )
    """The account of the same person that stands for both; it is never merged itself."""

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "school_number"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["full_name"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ("school_number",)
        indexes = (
            models.Index(
                name="user_merged_accounts",
                fields=("merged_into",),
                condition=Q(merged_into__isnull=False),
            ),
            # As `iexact` compares.
            models.Index(Upper("email"), name="user_email", condition=~Q(email="")),
        )
        constraints = (
            models.CheckConstraint(
                name="user_school_number_is_canonical",
                condition=Q(school_number__regex=identity.SCHOOL_NUMBER_PATTERN),
                violation_error_message=_(
                    "Use 1 to 32 capital letters A-Z, digits, dots, hyphens or underscores."
                ),
            ),
            models.CheckConstraint(
                name="user_full_name_is_clean",
                condition=~Q(full_name="") & ~Q(full_name__regex="[\x01-\x1f\x7f-\x9f]"),
            ),
            models.CheckConstraint(
                name="user_role_is_known",
                condition=Q(role__in=[role.value for role in RoleChoices]),
            ),
            models.CheckConstraint(
                name="user_is_not_merged_into_itself",
                condition=Q(merged_into=None) | ~Q(merged_into=F("pk")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.full_name} ({self.school_number})"

    @property
    def is_staff(self) -> bool:
        """Whether Django's admin opens: derived, so that role and flag cannot differ."""
        return self.role == RoleChoices.STAFF

    @property
    def is_merged(self) -> bool:
        """Whether another account stands for this one; nobody signs in with it meanwhile."""
        return self.merged_into_id is not None

    @property
    def root(self) -> "User":
        """The account that stands for this person, itself where it is not merged."""
        return self.merged_into or self

    @property
    def may_sign_in(self) -> bool:
        return self.is_active and not self.is_merged

    def as_person(self) -> identity.Person:
        """The user as a lesson knows them."""
        return identity.Person(self.school_number, self.full_name, identity.Role(self.role))

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        salt = "users.models.User.session"
        value = f"{self.password}|{self.session_version}"
        own = salted_hmac(salt, value, secret=secret, algorithm="sha256").hexdigest()
        # Who has signed in carries the door by which they came.
        return proofs.bound_hash(own, getattr(self, "backend", ""))

    def clean(self) -> None:
        super().clean()
        self.school_number = self.school_number.strip().upper()

    def get_full_name(self) -> str:
        return self.full_name


class ErasedNumber(models.Model):
    """A number of somebody who was deleted: what is told of them from before makes no new account.

    Without the secret of the site nobody learns the number from it.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    erased_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (constraints.instants_are_sane("erased_number_instant_is_sane", "erased_at"),)

    def __str__(self) -> str:
        return f"{self.fingerprint[:8]} at {self.erased_at:%Y-%m-%d}"


class FormerNumber(models.Model):
    """A school number that somebody had before: it goes on standing for them, and for nobody else.

    What a lesson, a receipt or a copy from a backup says under this number is theirs. A trigger
    writes the row whenever the number of a user changes, by whichever door, and refuses the
    number to any other user.
    """

    number = models.CharField(
        _("school number"), max_length=identity.LONGEST_SCHOOL_NUMBER, unique=True
    )
    user = models.ForeignKey(
        User, models.CASCADE, related_name="former_numbers", verbose_name=_("now of")
    )
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)

    class Meta:
        verbose_name = _("former number")
        verbose_name_plural = _("former numbers")
        ordering = ("number",)
        constraints = (
            models.CheckConstraint(
                name="former_number_is_canonical",
                condition=Q(number__regex=identity.SCHOOL_NUMBER_PATTERN),
            ),
            constraints.instants_are_sane("former_number_instant_is_sane", "changed_at"),
        )

    def __str__(self) -> str:
        return f"{self.number} → {self.user}"


class PersonMerge(models.Model):
    """Two accounts of one person became one, or were taken apart again; a trigger keeps each row.

    Nothing else changes: marks, enrolments and absences stay with the account that they were
    written for, and readers ask for the accounts of a person (users/selectors.py).
    """

    duplicate = models.ForeignKey(
        User, models.PROTECT, related_name="merges", verbose_name=_("merged account")
    )
    into = models.ForeignKey(
        User, models.PROTECT, related_name="merges_into", verbose_name=_("merged into")
    )
    kind = models.CharField(_("kind"), max_length=10, choices=MergeKind)
    reason = models.CharField(_("reason"), max_length=LONGEST_MERGE_REASON)
    actor = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("done by"))
    actor_name = models.CharField(_("actor's name then"), max_length=identity.LONGEST_FULL_NAME)
    happened_at = models.DateTimeField(_("happened at"), default=timezone.now)

    class Meta:
        verbose_name = _("merge of accounts")
        verbose_name_plural = _("merges of accounts")
        ordering = ("-pk",)
        constraints = (
            constraints.value_is_known("person_merge_kind_is_known", "kind", MergeKind),
            models.CheckConstraint(
                name="person_merge_is_of_two_accounts", condition=~Q(duplicate=F("into"))
            ),
            models.CheckConstraint(
                name="person_merge_is_explained", condition=~Q(reason="") & ~Q(actor_name="")
            ),
            constraints.instants_are_sane("person_merge_instant_is_sane", "happened_at"),
        )

    def __str__(self) -> str:
        return f"{self.duplicate} → {self.into}: {self.get_kind_display()}"

    @property
    def as_actor(self) -> identity.Person:
        """Who did it, under the name of then."""
        role = identity.Role(self.actor.role)
        return identity.Person(self.actor.school_number, self.actor_name, role)
