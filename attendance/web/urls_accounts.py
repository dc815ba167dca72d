"""Signing in and what belongs to it. Of allauth's pages only those that ATTN wants."""

from allauth.account import views
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path

from attendance.web import campus
from attendance.web.pages import account


def nothing_here(request: HttpRequest) -> HttpResponse:
    """Accounts are made by staff, and have no e-mail address to prove."""
    raise Http404


urlpatterns = [
    path("", account.account, name="account"),
    path("everywhere/", account.everywhere, name="sign-out-everywhere"),
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("2fa/", include("allauth.mfa.urls")),
    # Named as allauth's own.
    path("oidc/<str:provider_id>/login/", campus.login, name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", campus.callback, name="openid_connect_callback"),
    # Named by allauth itself.
    path("signup/", nothing_here, name="account_signup"),
    path("connections/", nothing_here, name="socialaccount_connections"),
    path("social/signup/", nothing_here, name="socialaccount_signup"),
    path("email/", nothing_here, name="account_email"),
    path("password/set/", nothing_here, name="account_set_password"),
    path("password/reset/", nothing_here, name="account_reset_password"),
]
