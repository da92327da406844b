"""Meta's callbacks for people who leave, and the page that shows how far a deletion is."""

from __future__ import annotations

from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from meta_pipeline.consent.signed_request import SignedRequest, SignedRequestError, read_signed_request
from meta_pipeline.flows.leaving import callbacks
from meta_pipeline.flows.leaving.callbacks import RepeatedError
from meta_pipeline.store.leaving import erasures
from meta_pipeline.web.site import Site

DEAUTHORIZE, DATA_DELETION, STATUS = "/callbacks/deauthorize", "/callbacks/data-deletion", "/deletions"
LONGEST_CODE = 64


def deauthorize(site: Site, request: Request) -> Response:
    """Retire the tokens of a person who removed the app (`POST /callbacks/deauthorize`)."""
    runtime = site.runtime
    try:
        signed = _signed_request(site, request)
        callbacks.deauthorize(signed, tokens=runtime.vault, engine=runtime.engine, now=runtime.now())
    except SignedRequestError as error:
        return JSONResponse({"error": str(error)}, 400)
    except RepeatedError as error:
        return JSONResponse({"error": str(error)}, 409)
    return JSONResponse({"success": True})


def data_deletion(site: Site, request: Request) -> Response:
    """Queue the erasure of a person, and say where its progress is shown (`POST /callbacks/data-deletion`)."""
    runtime = site.runtime
    try:
        signed = _signed_request(site, request)
    except SignedRequestError as error:
        return JSONResponse({"error": str(error)}, 400)
    code = callbacks.request_deletion(signed, tokens=runtime.vault, engine=runtime.engine, now=runtime.now())
    site.wake_erasures()
    url = f"{runtime.settings.public_url.rstrip('/')}{STATUS}/{quote(code)}"
    return JSONResponse({"url": url, "confirmation_code": code})


def deletion(site: Site, request: Request) -> Response:
    """Show anybody who has the code whether a deletion is done, and nothing else (`GET /deletions/{code}`)."""
    code = request.path_params["code"]
    erasure = erasures.find(site.runtime.engine, code) if len(code) <= LONGEST_CODE else None
    if erasure is None:
        raise HTTPException(404, "There is no deletion with this code.")
    return site.page(request, "deletion.html", erasure=erasure)


def _signed_request(site: Site, request: Request) -> SignedRequest:
    form: dict[str, str] = request.state.form
    return read_signed_request(
        form.get("signed_request", ""), app_secret=site.runtime.settings.require("app_secret"), now=site.runtime.now()
    )
