"""The site as a WSGI application, with what runs beside it: the persistence task, among others."""

import os

from django.core.wsgi import get_wsgi_application

from attn_project.bodies import BodyDeadline

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "attn_project.settings")

django = get_wsgi_application()

# Not before the application is loaded. What works beside it is never started in
# AppConfig.ready(), which also runs in migrate and in tests.
from attendance import ages, scheduler, sender  # noqa: E402
from attn_project.shortcut import CheckInShortcut  # noqa: E402

application = BodyDeadline(CheckInShortcut(django))

ages.start_where_served()
scheduler.start_where_served()
sender.start_where_served()
