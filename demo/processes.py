"""Other processes of ATTN on the same database as this one."""

from urllib.parse import quote, urlencode

from django.db import connection


def database_url() -> str:
    """The address of the database that this process uses."""
    at = connection.settings_dict
    user, password = quote(at["USER"] or "", safe=""), quote(at["PASSWORD"] or "", safe="")
    secret = f":{password}" if password else ""
    port = f":{at['PORT']}" if at["PORT"] else ""
    host, name = quote(at["HOST"], safe=""), quote(at["NAME"], safe="")
    plain = {name: value for name, value in at["OPTIONS"].items() if isinstance(value, str | int)}
    options = f"?{urlencode(plain)}" if plain else ""
    return f"postgresql://{user}{secret}@{host}{port}/{name}{options}"
