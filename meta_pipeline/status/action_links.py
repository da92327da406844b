"""URLs of the pages where people fix what is wrong: our own, and Meta's."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

# The settings page of each kind of node, below META_PIPELINE_BUSINESS_URL.
_SETTINGS_PAGES = {"ad_account": "ad-accounts", "page": "pages", "instagram_account": "instagram-account-v2s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionLinks:
    """The base URLs of the links that issues and alerts carry. `invites`: mails and webhooks carry a reconnect link,
    because their readers can't sign in here."""

    public_url: str
    business_url: str
    facebook_url: str
    invites: bool = False

    def connection(self, ref_id: str) -> str:
        """Return the URL of a connection on the connections page, where it can be checked and disconnected."""
        return f"{self.public_url.rstrip('/')}/#c-{ref_id}"

    def connect(self, phase: int = 1, *, asks_again: bool = False) -> str:
        """Return the URL that redirects to the login dialog."""
        query: dict[str, str] = {"phase": str(phase)}
        if asks_again:
            query["rerequest"] = "1"
        return f"{self.public_url.rstrip('/')}/connect?{urlencode(query)}"

    def reconnect(self, phase: int, text: str) -> str:
        """Return the URL that the person of a reconnect link opens: its page shows what is requested."""
        return f"{self.public_url.rstrip('/')}/connections/new?{urlencode({'phase': phase, 'reconnect': text})}"

    def node(self, kind: str, node_id: str) -> str:
        """Return the page of Meta's business settings where tasks on a node are assigned."""
        page = _SETTINGS_PAGES.get(kind, "")
        return f"{self.business_url.rstrip('/')}/settings/{page}/{node_id.removeprefix('act_')}"
