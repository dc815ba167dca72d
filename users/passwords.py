"""Passwords in one form: whatever keyboard composed a letter, it is the same password."""

import unicodedata

from django.contrib.auth.base_user import AbstractBaseUser


def composed(password: str) -> str:
    """The password in NFC, the only form that is hashed and judged."""
    return unicodedata.normalize("NFC", password)


class PasswordOwner(AbstractBaseUser):
    """Hashes and compares passwords in NFC: every door does either through these methods."""

    class Meta:
        abstract = True

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(None if raw_password is None else composed(raw_password))

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is the password; its hash is made anew where it is of an older form."""
        if raw_password is None:
            return super().check_password(None)
        password = composed(raw_password)
        if super().check_password(password):
            return True
        # Before there was one form, it was hashed as it was typed.
        if password == raw_password or not super().check_password(raw_password):
            return False
        self.set_password(password)
        # As Django does: a hash that is made anew is no change of the password.
        self._password = None
        self.save(update_fields=["password"])
        return True
