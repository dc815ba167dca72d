"""Readers of the environment that the site and the event stream share."""

import ipaddress
from datetime import datetime, time
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()

SHORTEST_SECRET = 50
FEWEST_SECRET_CHARACTERS = 10
LATEST_TIME = time(20)
"""Later than that, a run of the scheduler that is missed leaves too little of the day."""


def required(name: str, example: str) -> str:
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Set it, for example {name}={example}.")
    return str(value)


def strong(name: str, secret: str) -> str:
    """A secret that nobody can guess: whoever has it signs for the site. Refuses any other."""
    is_example = secret.startswith("django-insecure-")
    if is_example or len(secret) < SHORTEST_SECRET or len(set(secret)) < FEWEST_SECRET_CHARACTERS:
        raise ImproperlyConfigured(
            f"{name} is weak. Use at least {SHORTEST_SECRET} random characters, "
            "for example the output of: openssl rand -base64 48"
        )
    return secret


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Networks in CIDR notation, separated by commas; refuses one that is everything."""
    found = []
    for text in env.list(name, default=[]):
        try:
            network = ipaddress.ip_network(text.strip())
        except ValueError:
            network = None
        if network is None or not network.prefixlen:
            raise ImproperlyConfigured(
                f"{name}={text!r} is no network: use the smallest one that will do, for example "
                f"{name}=10.20.30.0/24."
            )
        found.append(network)
    return found


def time_of_day(name: str, *, default: str) -> time | None:
    """A time such as 07:00; None where the setting is empty."""
    text = str(env.str(name, default=default)).strip()
    if not text:
        return None
    try:
        found = datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - of whatever day
    except ValueError:
        found = None
    if found is None or found > LATEST_TIME:
        raise ImproperlyConfigured(
            f"{name}={text!r} is no time from 00:00 to {LATEST_TIME:%H:%M}, for example {default}."
        )
    return found


def redis_cache(url: str, **pool: Any) -> dict[str, Any]:
    """A django-redis alias whose client never repeats a command by itself.

    A library default once executed an INCR twice; `attendance.live.client`
    repeats what is safe to repeat.
    """
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": url,
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "REDIS_CLIENT_KWARGS": {},
            # Never pickle, which runs what it reads: a session is JSON, a caller msgpack in bytes.
            "SERIALIZER": "attn_project.cache.CacheSerializer",
            "CONNECTION_POOL_KWARGS": {"retry": None, "retry_on_timeout": False, **pool},
            "SOCKET_CONNECT_TIMEOUT": 2,
            "SOCKET_TIMEOUT": 10,
        },
    }


def cluster_nodes(url: str) -> tuple[str, ...]:
    """The URL of each server that redis+cluster://host:port,host:port/ names; none for others."""
    kind, is_cluster, nodes = url.partition("+cluster://")
    if not is_cluster:
        return ()
    account, at, where = nodes.rpartition("@")
    hosts, _, path = where.partition("/")
    database, _, query = path.partition("?")
    if kind not in {"redis", "rediss"} or not all(hosts.split(",")) or database not in {"", "0"}:
        raise ImproperlyConfigured(
            "REDIS_URL names no cluster: use redis+cluster://host:port,host:port/ with one"
            " server or more and no database (rediss+cluster:// with TLS)."
        )
    return tuple(f"{kind}://{account}{at}{host}/0?{query}" for host in hosts.split(","))
