"""dbt's documentation of the marts, for operators."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from meta_pipeline.publish.readers.documentation import OFFLINE_POLICY, documentation
from meta_pipeline.web.site import Site

# The page needs inline scripts. It gets its own origin, so that they can reach neither cookies nor our other pages.
POLICY = f"{OFFLINE_POLICY}; frame-ancestors 'none'; base-uri 'none'; sandbox allow-scripts"
HEADERS = {"content-security-policy": POLICY}


def docs(site: Site, request: Request) -> Response:
    """Show the documentation; write it first if it is of an earlier release (`GET /docs`)."""
    return FileResponse(documentation(site.runtime.settings), media_type="text/html", headers=HEADERS)
