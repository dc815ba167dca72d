"""Run as a module: tables, one client with its redirect address, and the people.

python -m tests.support.oidc_server.prepare REDIRECT_URI USERNAME…
"""

import sys

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - after the setup
from django.core.management import call_command  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

from tests.support.oidc_server.people import CLIENT_ID, CLIENT_SECRET, PASSWORD  # noqa: E402


def main(redirect_uri: str, *usernames: str) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    Application.objects.create(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=redirect_uri,
        algorithm=Application.RS256_ALGORITHM,
        skip_authorization=True,
    )
    for username in usernames:
        User.objects.create_user(username, password=PASSWORD)


if __name__ == "__main__":
    main(*sys.argv[1:])
