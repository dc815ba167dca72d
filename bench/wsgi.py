"""The site as it is served, with the rivals beside it."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from attn_project.bodies import BodyDeadline

django = get_wsgi_application()
settings.ROOT_URLCONF = "bench.rivals"

from attn_project.shortcut import CheckInShortcut  # noqa: E402

application = BodyDeadline(CheckInShortcut(django))
