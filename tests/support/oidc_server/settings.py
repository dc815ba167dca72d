"""An identity provider as a campus may run one: django-oauth-toolkit, a project of its own."""

import os
from urllib.parse import unquote

import environ

SECRET_KEY = "only-for-the-identity-provider-of-the-tests"
ALLOWED_HOSTS = ["127.0.0.1"]
_database = environ.Env.db_url_config(os.environ["DATABASE_URL"])
DATABASES = {"default": {**_database, "HOST": unquote(_database["HOST"])}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "oauth2_provider",
    "tests.support.oidc_server",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
ROOT_URLCONF = "tests.support.oidc_server.urls"
LOGIN_URL = "/login/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": os.environ["OIDC_KEY"],
    "SCOPES": {"openid": "who somebody is", "profile": "their number"},
    "OAUTH2_VALIDATOR_CLASS": "tests.support.oidc_server.claims.Claims",
}
