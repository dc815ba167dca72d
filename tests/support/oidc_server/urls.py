"""Its addresses: OpenID Connect, and a form to sign in with."""

from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path("login/", LoginView.as_view(template_name="oidc_server/login.html")),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
