"""Signing in to the admin: through the site's own page, with its limits and its second factor."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from knox.models import AuthToken

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
# A token is made and revoked through the API: here it would only be a digest.
admin.site.unregister(AuthToken)
