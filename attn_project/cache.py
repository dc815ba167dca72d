"""What the cache holds, as msgpack: pickle would run whatever somebody wrote there."""

from typing import Any

import msgspec


class CacheSerializer:
    """A serializer as django-redis wants it."""

    def __init__(self, options: dict[str, Any]) -> None:
        del options

    def dumps(self, value: Any) -> bytes:
        return msgspec.msgpack.encode(value)

    def loads(self, value: bytes) -> Any:
        """What cannot be read is not there; an older release may have written it."""
        try:
            return msgspec.msgpack.decode(value)
        except msgspec.MsgspecError:
            return None
