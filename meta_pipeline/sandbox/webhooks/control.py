"""The control call `webhooks`: queue deliveries, send those that are due, switch subscriptions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from meta_pipeline.sandbox.webhooks.delivery import Deliveries
from meta_pipeline.sandbox.webhooks.subscriptions import Subscriptions


@dataclass(frozen=True, kw_only=True)
class Webhooks:
    """The subscriptions of the app and the deliveries to its callback URL."""

    subscriptions: Subscriptions
    deliveries: Deliveries

    def control(self, body: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
        """Queue the deliveries of `changes` (see `Deliveries.queue`) to `url`, or to the callback URL of the app's
        subscription if it is active; send those that are due unless `send` is false; `switch`: `{object, active}`.
        Return the sent deliveries, the counts and every subscription."""
        if switch := body.get("switch"):
            self.subscriptions.switch(str(switch["object"]), is_active=bool(switch["active"]))
        for name in dict.fromkeys(str(change["object"]) for change in body.get("changes", ())):
            deliveries = {**body, "changes": [change for change in body["changes"] if change["object"] == name]}
            if url := body.get("url") or self._callback_url(name):
                self.deliveries.queue(deliveries, url=str(url), now=now)
        sent = self.deliveries.send_due(now) if body.get("send", True) else []
        for name in set(self.deliveries.given_up) & set(self.subscriptions.of_app):
            self.subscriptions.switch(name, is_active=False)
        self.deliveries.given_up.clear()
        return {"sent": sent, **self.deliveries.to_json(), "subscriptions": self.subscriptions.to_json()}

    def queue_for_page(self, page_id: str, field: str, value: dict[str, Any], now: dt.datetime) -> None:
        """Queue the delivery of a change of a Page that the app is subscribed to; `control` sends those that are
        due."""
        app = self.subscriptions.of_app.get("page")
        fields = self.subscriptions.of_pages.get(page_id, ())
        if app is not None and field in app.fields and field in fields and (url := self._callback_url("page")):
            change = {"object": "page", "entry_id": page_id, "field": field, "value": value}
            self.deliveries.queue({"changes": [change]}, url=url, now=now)

    def _callback_url(self, name: str) -> str | None:
        subscription = self.subscriptions.of_app.get(name)
        return subscription.callback_url if subscription is not None and subscription.is_active else None
