"""API versions: which exist, which the Marketing API still accepts, and what later ones removed
(docs/graph-api.md §1)."""

from __future__ import annotations

import re

from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_path
from meta_pipeline.sandbox.protocol.requests import GraphRequest

DEFAULT_VERSION = "v24.0"
EXISTING_VERSIONS = ("v19.0", "v20.0", "v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0", "v27.0")
# The Marketing API ends a version before the Graph API does (docs/graph-api.md §1.1): it upgrades calls to v24.0 and
# refuses older ones.
UPGRADED_VERSIONS, UPGRADES_TO = ("v24.0",), "v25.0"
REFUSED_VERSIONS = ("v19.0", "v20.0", "v21.0", "v22.0", "v23.0")


def split_version(path: str) -> tuple[str, str]:
    """Split `v25.0/act_1/ads` into `v25.0` and `act_1/ads`; the version is empty when the path has none."""
    match = re.match(r"(v\d+\.\d+)(?:/|$)(.*)", path)
    return (match[1], match[2].strip("/")) if match else ("", path.strip("/"))


def version_number(version: str) -> tuple[int, ...]:
    """Return `v26.0` as numbers that can be compared; the empty version is before every other."""
    return tuple(int(part) for part in version.removeprefix("v").split(".") if part)


def check_version(request: GraphRequest, *, is_marketing: bool) -> dict[str, str]:
    """Return the headers that the version adds to the response; raise when the request's version forbids it."""
    if request.version and request.version not in EXISTING_VERSIONS:
        raise unknown_path(f"{request.version}/{request.path}")
    _refuse_removed_parameters(request)
    if not is_marketing:
        return {}
    if not request.version or request.version in REFUSED_VERSIONS:
        raise GraphApiError(
            "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: "
            f"{UPGRADES_TO}.", 2635,
        )
    if request.version in UPGRADED_VERSIONS:
        return {
            "facebook-api-version": UPGRADES_TO,
            "X-Ad-Api-Version-Warning": f"The call has been auto-upgraded to {UPGRADES_TO} as {request.version} has "
            "been deprecated",
        }
    return {}


def _refuse_removed_parameters(request: GraphRequest) -> None:
    """Raise for the multi-read, which no version offers to new apps such as this one, and for parameters that v27.0
    removed (docs/graph-api.md §1.3)."""
    if "ids" in request.params and request.path == "":
        raise GraphApiError("The ids query parameter is deprecated in v26.0+.", 100, status=500)
    if version_number(request.version) >= version_number("v27.0"):
        for name in ("method", "callback"):
            if name in request.params:
                raise GraphApiError(f"(#100) The {name} parameter is not available in v27.0+.", 100)
