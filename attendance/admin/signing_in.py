"""Signing in to the admin: through the site's own page, with its limits and its second factor."""

from allauth.account.decorators import secure_admin_login
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from knox.models import AuthToken

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# Tokens are made and revoked through the API; the admin could only show digests.
admin.site.unregister(AuthToken)
# A provider comes from the environment, and no account is linked to one.
admin.site.unregister([SocialAccount, SocialApp, SocialToken])
