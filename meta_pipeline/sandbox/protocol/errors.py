"""Graph's error envelope, and the errors that more than one subject raises."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.protocol.responses import GraphResponse

REDUCE = "Please reduce the amount of data you're asking for, then retry your request"
# Messages of error 190 by subcode: why a token is invalid (docs/graph-api.md §4).
INVALID_TOKEN_MESSAGES = {
    458: "Error validating access token: The user has not authorized application.",
    459: "Error validating access token: You cannot access the app till you log in to www.facebook.com and follow the "
    "instructions given.",
    460: "Error validating access token: The session has been invalidated because the user changed their password or "
    "Facebook has changed the session for security reasons.",
    463: "Error validating access token: Session has expired.",
    464: "Error validating access token: Sessions for the user are not allowed because the user is not a confirmed "
    "user.",
    467: "Error validating access token: This is an invalid access token.",
    492: "Error validating access token: The user is no longer an admin of the Page.",
    493: "Error validating access token: Data access has expired.",
}


class GraphApiError(Exception):
    """A refusal of a request by Graph; it becomes an error envelope."""

    def __init__(
        self,
        message: str,
        code: int,
        *,
        subcode: int | None = None,
        status: int = 400,
        error_type: str = "OAuthException",
        user_title: str = "Error",
        user_msg: str | None = None,
        is_transient: bool | None = None,
        headers: dict[str, str] | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.code, self.subcode, self.status = message, code, subcode, status
        self.error_type, self.user_title, self.user_msg = error_type, user_title, user_msg
        self.is_transient, self.headers, self.data = is_transient, headers or {}, data

    def to_response(self, trace_id: str) -> GraphResponse:
        """Return the error envelope (docs/graph-api.md §7.1)."""
        error: dict[str, Any] = {"message": self.message, "type": self.error_type, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.is_transient is not None:
            error["is_transient"] = self.is_transient
        if self.user_msg:
            error["error_user_title"] = self.user_title
            error["error_user_msg"] = self.user_msg
        if self.data:
            error["error_data"] = self.data
        error["fbtrace_id"] = trace_id
        return GraphResponse({"error": error}, status=self.status, headers=dict(self.headers))


def unknown_object(node_id: str) -> GraphApiError:
    """Return error 100/33: the node does not exist, or the token may not see it."""
    return GraphApiError(
        f"Unsupported get request. Object with ID '{node_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation",
        100, subcode=33, error_type="GraphMethodException",
    )


def unknown_path(path: str) -> GraphApiError:
    """Return error 2500: there is no such edge."""
    return GraphApiError(f"Unknown path components: /{path}", 2500)


def too_much_data() -> GraphApiError:
    """Return error 100/1487534: the data-per-call limit (docs/graph-api.md §2.8)."""
    return GraphApiError("Invalid parameter", 100, subcode=1487534, user_msg=REDUCE)
