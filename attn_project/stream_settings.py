"""Settings of the event stream alone: it reads Redis, and checks tickets with a key of its own.

It knows no database, no cache and no user, and needs no ATTN_SECRET_KEY. Where ATTN_STREAM_KEY is
not set, its key is derived as the site does.
"""

from django.core.exceptions import ImproperlyConfigured

from attn_project.reading import cluster_nodes, env, redis_cache, required, strong
from users.derived_keys import Purpose, derive


def stream_keys() -> list[str]:
    """The keys whose tickets open a stream: of the present secret, and of former ones."""
    given = env.list("ATTN_STREAM_KEY", default=[])
    if given:
        return [strong("ATTN_STREAM_KEY", key) for key in given]
    secret = env.str("ATTN_SECRET_KEY", default="")
    if not secret:
        raise ImproperlyConfigured(
            "ATTN_STREAM_KEY is not set. Set it to the output of: manage.py stream_key"
        )
    secrets = {
        "ATTN_SECRET_KEY": [secret],
        "ATTN_SECRET_KEY_FALLBACKS": env.list("ATTN_SECRET_KEY_FALLBACKS", default=[]),
    }
    return [
        derive(strong(name, key), Purpose.STREAM) for name, keys in secrets.items() for key in keys
    ]


STREAM_KEYS = stream_keys()
ALLOWED_HOSTS = env.list("ATTN_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
USE_TZ = True

LIVE_STORE_ALIAS = "live"
LIVE_STORE_NODES = cluster_nodes(required("REDIS_URL", "redis://localhost:6379/0"))
CACHES = {} if LIVE_STORE_NODES else {LIVE_STORE_ALIAS: redis_cache(env.str("REDIS_URL"))}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("ATTN_LOG_LEVEL", default="INFO")},
}
