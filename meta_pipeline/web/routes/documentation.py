"""dbt's documentation of the marts, for operators."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from meta_pipeline.publish.readers.documentation import OFFLINE_POLICY, documentation
from meta_pipeline.web.site import Site

# The page needs scripts in its text: it gets an origin of its own, so that they reach neither cookies nor our other
# pages.
POLICY = f"{OFFLINE_POLICY}; frame-ancestors 'none'; base-uri 'none'; sandbox allow-scripts"
HEADERS = {"content-security-policy": POLICY}


def docs(site: Site, request: Request) -> Response:
    """Show the documentation, which is written first when it is of an earlier release (`GET /docs`)."""
    return FileResponse(documentation(site.runtime.settings), media_type="text/html", headers=HEADERS)
