"""Every setting of ATTN, read once from the environment.

docs/reference/settings.md describes each variable; a test keeps the two in step.
"""

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from attn_project.mail import read_mail
from attn_project.oidc import OPENID_CONNECT, read_campus
from attn_project.reading import (
    cluster_nodes,
    env,
    networks,
    redis_cache,
    required,
    strong,
    time_of_day,
)

# ModelAdmin[X] and QuerySet[X] are generic for the type checker only.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
SHORTEST_VERIFIER_SECRET = 24


def verifier_secret() -> bytes:
    """The key that signs what goes to the external verifier and what comes back."""
    text = env.str("ATTN_VERIFIER_SECRET", default="").removeprefix("whsec_")
    try:
        secret = base64.b64decode(text, validate=True)
    except ValueError:
        secret = b""
    if env.str("ATTN_VERIFIER_URL", default="") and len(secret) < SHORTEST_VERIFIER_SECRET:
        raise ImproperlyConfigured(
            f"ATTN_VERIFIER_SECRET is missing or weak. Use {SHORTEST_VERIFIER_SECRET} random bytes "
            "or more in base64, for example the output of: openssl rand -base64 32"
        )
    return secret


def verifier_url() -> str:
    """Refuse an address that is none, and one without TLS where the site itself has it."""
    url = str(env.str("ATTN_VERIFIER_URL", default=""))
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ImproperlyConfigured(
            "ATTN_VERIFIER_URL is no address: use https://verifier.example.org/path."
        )
    if HTTPS and parts.scheme != "https":
        raise ImproperlyConfigured(
            "ATTN_VERIFIER_URL begins with http://, so names would travel in the clear. "
            "Use https://, or ATTN_HTTPS=false on a machine of your own."
        )
    return url


def public_url() -> str:
    """What links and codes for others begin with, or '' for the address that a browser shows."""
    url = str(env.str("ATTN_PUBLIC_URL", default="")).rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.path):
        raise ImproperlyConfigured(
            "ATTN_PUBLIC_URL is no address of a site: use https://attn.example.org."
        )
    return url


def choice(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = str(env.str(name, default=default))
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value!r} is not one of {', '.join(allowed)}.")
    return value


def choices(name: str, allowed: tuple[str, ...], default: tuple[str, ...]) -> list[str]:
    """Some of the allowed words, or none of them where the setting is empty."""
    values = [value.strip() for value in env.list(name, default=list(default)) if value.strip()]
    for value in values:
        if value not in allowed:
            raise ImproperlyConfigured(f"{name} has {value!r}, not one of {', '.join(allowed)}.")
    return values


def second_factor(name: str, *, default: bool) -> bool | str:
    """Of whom a second factor is asked: of nobody, of staff, or of `teachers` as well."""
    value = str(env.str(name, default="")).lower()
    if not value:
        return default
    if value == "teachers":
        return value
    if value in {"staff", *env.BOOLEAN_TRUE_STRINGS}:
        return True
    if value in {"false", "off", "no", "n", "0"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is not one of true, teachers, false.")


def database() -> dict[str, Any]:
    """Read DATABASE_URL; a percent-encoded host is the folder of a Unix socket."""
    url = required("DATABASE_URL", "postgresql://attn:password@localhost:5432/attn")
    config: dict[str, Any] = environ.Env.db_url_config(url)
    if not config["ENGINE"].endswith("postgresql"):
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql://: ATTN needs it.")
    config["HOST"] = unquote(config.get("HOST", ""))
    config["CONN_MAX_AGE"] = 60
    config["CONN_HEALTH_CHECKS"] = True
    options = config.setdefault("OPTIONS", {})
    options.setdefault("connect_timeout", 5)
    if DATABASE_POOLED:
        # A pooler of transactions gives the session to another client after each of them.
        config["DISABLE_SERVER_SIDE_CURSORS"] = True
        options["prepare_threshold"] = None
    return config


def origin_of(url: str) -> str:
    """Scheme, host and port of an absolute address; '' for one on this very site."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def evidence_folder(static_root: str | None) -> str:
    """Refuse a folder from which a web server could serve what a stranger has sent."""
    folder = str(env.str("ATTN_EVIDENCE_FOLDER", default=""))
    if not folder:
        return ""
    path = Path(folder).resolve()
    served = Path(static_root).resolve() if static_root else None
    is_served = served is not None and (path.is_relative_to(served) or served.is_relative_to(path))
    if not Path(folder).is_absolute() or is_served:
        raise ImproperlyConfigured(
            "ATTN_EVIDENCE_FOLDER must be an absolute path outside of ATTN_STATIC_ROOT, "
            "for example ATTN_EVIDENCE_FOLDER=/srv/evidence."
        )
    return folder


def cache_url() -> str:
    url = required("CACHE_URL", "redis://localhost:6380/0")
    if "+cluster://" in url:
        raise ImproperlyConfigured("CACHE_URL must name one server: CACHE_URL=redis://host:port/0.")
    return url


# A pooler of transactions: what a session is told, another client has next.
DATABASE_POOLED = env.bool("ATTN_DATABASE_POOLED", default=False)
DEBUG = env.bool("ATTN_DEBUG", default=False)
SECRET_KEY = strong("ATTN_SECRET_KEY", required("ATTN_SECRET_KEY", "$(openssl rand -base64 48)"))
# What was signed with a former key is still accepted: docs/how-to/production.md, "Change the key".
SECRET_KEY_FALLBACKS = [
    strong("ATTN_SECRET_KEY_FALLBACKS", key)
    for key in env.list("ATTN_SECRET_KEY_FALLBACKS", default=[])
]
ALLOWED_HOSTS = env.list("ATTN_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("ATTN_CSRF_TRUSTED_ORIGINS", default=[])
# Who shows a code on this machine may see another address than whoever scans it.
PUBLIC_URL = public_url()

INSTALLED_APPS = [
    "django_apscheduler",
    "knox",
    "allauth.socialaccount",
    "allauth.mfa",
    "jobs",
    "users",
    "webhooks",
    "courses",
    "attendance",
    "reports",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "allauth",
    "allauth.account",
    "django_htmx",
    "attn_project.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
# Not part of the product: an image of the site leaves this folder out.
if (BASE_DIR / "demo").is_dir():
    INSTALLED_APPS.append("demo")

MIDDLEWARE = [
    "attn_project.logs.NumberRequests",
    "attendance.web.health.Probes",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "attendance.web.sessions.SessionsEnd",
    "attendance.web.errors.ErrorPages",
    "attendance.web.devices.DeviceCookies",
    "attendance.web.signing_in.TriesLater",
    "attendance.web.asked_first.AskedFirst",
    "attendance.api.limits.LimitBodies",
    "attendance.web.bodies.LimitForms",
]

ROOT_URLCONF = "attn_project.urls"
WSGI_APPLICATION = "attn_project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "attendance.web.callers.of_page",
            ],
            "builtins": ["attendance.wording.clocks"],
        },
    }
]

DATABASES = {"default": database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The live store has a server of its own: cache.clear() is FLUSHDB.
LIVE_STORE_ALIAS = "live"
LIVE_STORE_NODES = cluster_nodes(required("REDIS_URL", "redis://localhost:6379/0"))
CACHES = {"default": redis_cache(cache_url())}
if not LIVE_STORE_NODES:
    # django-redis knows no cluster: attendance.live.client speaks to one by itself.
    CACHES[LIVE_STORE_ALIAS] = redis_cache(required("REDIS_URL", "redis://localhost:6379/0"))
SESSION_ENGINE = "users.session_store"

AUTH_USER_MODEL = "users.User"
AUTHENTICATION_BACKENDS = [
    "users.backends.AccountBackend",
    "users.backends.StaffRoleBackend",
    "users.backends.CampusBackend",
]
DEMO_PASSWORD = env.str("ATTN_DEMO_PASSWORD", default="")
if DEMO_PASSWORD:
    # Sessions made through it end with the process that had the password.
    AUTHENTICATION_BACKENDS.append("users.backends.DemoBackend")
# A hash takes most of a second of a core: so many at once in a process, and threads for check-ins.
HASHES_AT_ONCE = max(1, env.int("ATTN_HASHES_AT_ONCE", default=2))
PASSWORD_HASHERS = [
    "users.hashing.GatedPBKDF2",
    "users.hashing.GatedPBKDF2SHA1",
    "users.hashing.GatedScrypt",
]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "users.password_rules.UnlikePerson",
        # Its default names the fields of another user model.
        "OPTIONS": {"user_attributes": ("school_number", "full_name", "email")},
    },
    {"NAME": "users.password_rules.LongEnough"},
    {"NAME": "users.password_rules.NotCommon"},
    {"NAME": "users.password_rules.NotOnlyDigits"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_USER_MODEL_USERNAME_FIELD = "school_number"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "attendance.web.signing_in.AccountAdapter"
# allauth limits by address, and a campus shares one: services/access/limits.py counts instead.
ACCOUNT_RATE_LIMITS = dict.fromkeys(
    (
        *("login", "login_failed", "reauthenticate", "change_password"),
        *("reset_password", "reset_password_from_key"),
    )
)
# Who signs in with the campus's own provider is known by number: no account is made or linked.
CAMPUS = read_campus(env, is_https=env.bool("ATTN_HTTPS", default=True))
SOCIALACCOUNT_ADAPTER = "attendance.web.campus.CampusAdapter"
SOCIALACCOUNT_PROVIDERS = CAMPUS.providers
if CAMPUS.providers:
    # It brings an HTTP client into every process, also into those that sign in nobody.
    INSTALLED_APPS.append(OPENID_CONNECT)
# Whom to ask for a new password, in the words of the site: shown where people sign in.
PASSWORD_HELP = env.str("ATTN_PASSWORD_HELP", default="")
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
# Secrets of apps and seeds of recovery codes are stored encrypted.
MFA_ADAPTER = "users.factor_secrets.FactorAdapter"
MFA_TOTP_ISSUER = "ATTN"
# allauth would count under the limits that are off above.
ACCOUNT_FORMS = {
    "change_password": "attendance.web.factor_forms.CountedChangePasswordForm",
    "reset_password": "attendance.web.password_forms.AskForLinkForm",
    "reset_password_from_key": "attendance.web.password_forms.NewPasswordForm",
}
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "users.services.choosing.ResetTokens"  # noqa: S105
# An hour, from when the mail is sent.
PASSWORD_RESET_TIMEOUT = 3600
MFA_FORMS = {
    "authenticate": "attendance.web.factor_forms.CountedAuthenticateForm",
    "reauthenticate": "attendance.web.factor_forms.CountedReauthenticateForm",
}

# Links in a mail begin with ATTN_PUBLIC_URL, never with what a request says of its host.
MAIL = read_mail(env)
EMAIL_IS_SET_UP = bool(MAIL.is_asked_for and MAIL.sender and PUBLIC_URL)
EMAIL_BACKEND = MAIL.backend
EMAIL_HOST, EMAIL_PORT = MAIL.host, MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = MAIL.use_tls, MAIL.use_ssl
EMAIL_FILE_PATH = MAIL.folder or None
# Of each step of a conversation with the mail server: one that hangs holds up the next mail.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = MAIL.sender or "attn@localhost"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("tr", "Türkçe")]
TIME_ZONE = env.str("ATTN_TIME_ZONE", default="UTC")
USE_TZ = True

STATIC_URL = "static/"
# Collected by `manage.py collectstatic`, compressed, and named after their content. Without a
# folder they are served from where they are.
STATIC_ROOT = env.str("ATTN_STATIC_ROOT", default="") or None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None
_STATIC_FILES = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": _STATIC_FILES
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# Evidence for absences, never among what the site serves; without a folder none is taken.
EVIDENCE_FOLDER = evidence_folder(STATIC_ROOT)
# Days after the end of an absence for which its evidence is kept.
EVIDENCE_DAYS = env.int("ATTN_EVIDENCE_DAYS", default=400)
# A quick correction mails nothing: a warning is mailed that is still open after so long.
WARNING_SETTLES_IN = timedelta(minutes=max(0, env.int("ATTN_WARNING_SETTLE_MINUTES", default=30)))
# Whom a warning is mailed to: teachers, students, both, or nobody.
_READERS = ("teachers", "students")
WARNING_READERS = choices("ATTN_WARNING_READERS", _READERS, default=_READERS)
# The time of the campus from which teachers are mailed what waits for them; None for never.
DIGEST_AT = time_of_day("ATTN_DIGEST_AT", default="07:00")
# Of mail that no page has asked for.
MAIL_LANGUAGE = choice("ATTN_MAIL_LANGUAGE", ("en", "tr"), default="en")
# Days for which the security log is kept.
SECURITY_LOG_DAYS = env.int("ATTN_SECURITY_LOG_DAYS", default=180)
# Larger files wait on the disk, not in memory. How much may be sent at all, each address says:
# attendance/http_bodies.py.
FILE_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# Off only where no proxy speaks TLS, as on a laptop.
HTTPS = env.bool("ATTN_HTTPS", default=True)
STAFF_MFA = second_factor("ATTN_STAFF_MFA", default=HTTPS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
CSRF_FAILURE_VIEW = "attn_project.urls.csrf_failure"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

# The REST API: attendance/api.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["attendance.api.callers.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["attendance.api.callers.SignedIn"],
    "DEFAULT_PARSER_CLASSES": ["attendance.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "attendance.api.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "attendance.api.problems.handle",
    "DEFAULT_THROTTLE_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=env.int("ATTN_TOKEN_DAYS", default=7)),
    "AUTH_TOKEN_CHARACTER_LENGTH": 64,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ATTN",
    "DESCRIPTION": "The attendance service that does not lose a mark.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": None,
    "POSTPROCESSING_HOOKS": ["attendance.api.schema.finish"],
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
}

# Where boards listen for changes; where it is empty, they poll every two seconds.
STREAM_URL = env.str("ATTN_STREAM_URL", default="")

# Nothing from elsewhere, and nothing inline.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'", *filter(None, [origin_of(STREAM_URL)])],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        # Signing in with the campus's provider begins with a form that leads there.
        "form-action": ["'self'", *filter(None, [CAMPUS.origin])],
        "frame-ancestors": ["'none'"],
    }
}

# Check-ins: codes, networks and the external verifier.
CODE_SECONDS = env.int("ATTN_CODE_SECONDS", default=15)
NETWORKS = env.list("ATTN_NETWORKS", default=[])
TRUSTED_PROXIES = env.int("ATTN_TRUSTED_PROXIES", default=0)
CHECK_INS_PER_MINUTE = env.int("ATTN_CHECK_INS_PER_MINUTE", default=60)
CHANGES_PER_MINUTE = env.int("ATTN_CHANGES_PER_MINUTE", default=600)
# Days after the end of a lesson for which a receipt brings a mark back.
RECEIPT_DAYS = env.int("ATTN_RECEIPT_DAYS", default=365)
# Days after the last day of a term, if that is sooner: what Redis lost on that day comes back.
RECEIPT_TERM_DAYS = env.int("ATTN_RECEIPT_TERM_DAYS", default=30)
VERIFIER_URL = verifier_url()
VERIFIER_SECRET = verifier_secret()
# Private networks to which webhooks may go, and without TLS: none, where staff only send outside.
WEBHOOK_NETWORKS = networks("ATTN_WEBHOOK_NETWORKS")

# The persistence task: see docs/explanation/protocol.md.
PERSIST_MINUTES = env.int("ATTN_PERSIST_MINUTES", default=5)
# A daily backup of PostgreSQL and an hour: what it lacks is still in Redis. Without HTTPS this is
# somebody's own machine, where stored lessons need not stay.
DISCARD_AFTER_MINUTES = env.int("ATTN_DISCARD_AFTER_MINUTES", default=25 * 60 if HTTPS else 0)
SCHEDULER = choice("ATTN_SCHEDULER", ("auto", "off"), default="auto")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request": {"()": "attn_project.logs.OfRequest"}},
    "formatters": {
        "line": {
            "()": "attn_project.logs.Lines",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        }
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("ATTN_LOG_LEVEL", default="INFO")},
    "loggers": {"apscheduler": {"level": "WARNING"}},
}
