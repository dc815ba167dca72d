"""The provider as a process of its own."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
