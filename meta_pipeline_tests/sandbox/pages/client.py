"""Calls of one Page with its own token, and the truth of the same sandbox."""

from __future__ import annotations

from typing import Any

from meta_pipeline.sandbox.control import control
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.sandbox.identity.scopes import ALL_SCOPES
from meta_pipeline.sandbox.world.cast import PAGES
from meta_pipeline_tests.sandbox.client import call, fetch_all

PAGE = PAGES[0].id


def page_token(graph: Graph, *, without: str = "", more: tuple[str, ...] = (), page_id: str = PAGE) -> str:
    """Return a Page's token through a person who granted every scope but `without`, and `more`."""
    scopes = (*(scope for scope in ALL_SCOPES if scope != without), *more)
    person = graph.identity.mint("USER", scopes=scopes, now=graph.now(), life=None)
    return graph.identity.page_token(page_id, person, graph.now())


def get(graph: Graph, path: str, *, token: str | None = None, **params: Any) -> Any:
    """Return the body of a successful response to a Page's own token."""
    response, body = call(graph, path, token=token or page_token(graph), **params)
    assert response.status == 200, body
    return body


def error(graph: Graph, path: str, *, token: str | None = None, **params: Any) -> tuple[int, int, str]:
    """Return the status, code and message of a refused request."""
    response, body = call(graph, path, token=token or page_token(graph), **params)
    assert "error" in body, body
    return response.status, body["error"]["code"], body["error"]["message"]


def all_posts(graph: Graph, **params: Any) -> list[dict[str, Any]]:
    """Return the Page's posts from every page of the listing."""
    return fetch_all(graph, f"{PAGE}/posts", token=page_token(graph), **params)


def truth(graph: Graph, since: str, until: str, **query: str) -> dict[str, list[dict[str, Any]]]:
    """Return the truth of one Page."""
    result: dict[str, list[dict[str, Any]]] = control(
        graph, "truth/pages", None, {"since": since, "until": until, "page_id": PAGE, **query}
    )
    return result


