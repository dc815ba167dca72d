"""The schema, and a page to read it; all scripts and styles come from this site."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView


class SchemaEndpoint(SpectacularAPIView):
    """The OpenAPI document."""


class DocumentsEndpoint(SpectacularSwaggerSplitView):
    """Swagger UI, without a line of inline script or style."""

    template_name = "attendance/api/documents.html"
    url_name = "api:schema"
