"""What a token stands on, beside the table of tokens, which is another package's."""

from django.db import models

from users.proofs import Proof


class TokenProof(models.Model):
    """Of one token, written with it and never changed. A token without one is not valid."""

    token = models.OneToOneField(
        "knox.AuthToken", models.CASCADE, primary_key=True, related_name="proof"
    )
    auth_hash = models.CharField(max_length=64)
    backend = models.CharField(max_length=100)
    has_factor = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.backend

    def as_proof(self) -> Proof:
        return Proof(self.auth_hash, self.backend, self.has_factor)
