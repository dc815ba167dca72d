"""The schema, and a page to read it; all scripts and styles come from this site."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request


class SchemaEndpoint(SpectacularAPIView):
    """The OpenAPI document, in English."""

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        document = _document(is_json="json" in renderer.format)
        answer = HttpResponse(document, content_type=renderer.media_type)
        answer["Content-Disposition"] = f'inline; filename="attn.{renderer.format}"'
        return answer


@cache
def _document(*, is_json: bool) -> bytes:
    """Made once by each process: it takes a second, and anybody may ask for it."""
    with translation.override("en"):
        generator: Any = SchemaGenerator(api_version="1")  # type: ignore[no-untyped-call]
        document = generator.get_schema(request=None, public=True)
        renderer = OpenApiJsonRenderer() if is_json else OpenApiYamlRenderer()
        rendered: bytes = renderer.render(document)
    return rendered


class DocumentsEndpoint(SpectacularSwaggerSplitView):
    """Swagger UI, without a line of inline script or style."""

    template_name = "attendance/api/documents.html"
    url_name = "api:schema"
