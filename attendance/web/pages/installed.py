"""ATTN on a home screen: what it is called there, and what works without a connection.

None of the three knows who asks: they are the same for everybody, and need no cookie.
"""

import hashlib
import json
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

GROUND: Final = "#f6f7f9"
BAR: Final = "#fff"
"""The colours of `tokens.css`, in the light theme: a manifest has one."""

_STYLES = ("tokens.css", "elements.css", "parts.css", "student.css")
_SCRIPTS = ("install.js", "offline.js", "again.js", "press.js", "receipts.js", "scan.js")
_ICONS = ("icon.svg", "icon-192.png")
SHELL: Final = (
    *(f"attendance/{name}" for name in (*_STYLES, *_SCRIPTS, *_ICONS)),
    "django_htmx/htmx-2.min.js",
)
"""The files that a browser keeps: of the look, of nobody."""

_DAY_SECONDS: Final = 86_400
_NAME_LETTERS: Final = 12


@cache_control(public=True, max_age=_DAY_SECONDS)
@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """What a device asks before it puts ATTN on its home screen."""
    about = {
        "id": "/",
        "name": "ATTN",
        "short_name": "ATTN",
        "description": _("Check in to your lessons, and see your attendance."),
        "start_url": reverse("home"),
        "scope": "/",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": BAR,
        "icons": [
            _icon("icon.svg", "any", "image/svg+xml"),
            _icon("icon-192.png", "192x192"),
            _icon("icon-512.png", "512x512"),
            _icon("icon-maskable.png", "512x512") | {"purpose": "maskable"},
        ],
    }
    return JsonResponse(about, content_type="application/manifest+json")


def _icon(name: str, sizes: str, kind: str = "image/png") -> dict[str, Any]:
    return {"src": static(f"attendance/{name}"), "sizes": sizes, "type": kind}


@cache_control(no_cache=True)
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The worker of the whole site: the list of what it keeps, and the script that keeps it."""
    files, page = [static(name) for name in SHELL], reverse("offline")
    worker = static("attendance/worker.js")
    written = json.dumps([worker, *files, page])
    name = f"attn-{hashlib.sha256(written.encode()).hexdigest()[:_NAME_LETTERS]}"
    shell = json.dumps({"name": name, "files": files, "page": page})
    text = f"self.shell = {shell};\nimportScripts({json.dumps(worker)});\n"
    return HttpResponse(text, content_type="text/javascript; charset=utf-8")


@cache_control(public=True, max_age=_DAY_SECONDS)
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What is shown in place of a page that cannot be loaded: in both languages, of nobody."""
    # Without the request: the page must not be able to say who asked.
    return HttpResponse(render_to_string("attendance/offline.html"))
