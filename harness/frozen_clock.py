"""A clock that moves only when a test moves it, and a runtime whose Graph is a sandbox without a network."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path

from harness.virtual_clock import START, SandboxAdapter
from meta_pipeline.audit import AuditEvent
from meta_pipeline.flows.connections import consents
from meta_pipeline.graph.client import GraphClient
from meta_pipeline.graph.features import FEATURES
from meta_pipeline.records import AccessToken, TokenRef
from meta_pipeline.sandbox.graph import Graph
from meta_pipeline.status.action_links import ActionLinks
from meta_pipeline.store.connections import onboardings
from meta_pipeline.store.engine import open_store
from meta_pipeline.vault.seal import new_key
from meta_pipeline.vault.vault import Vault

PUBLIC = "https://etl.example"


class FrozenClock:
    """A clock on which a sleep moves the time and takes none."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> dt.datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)


class FrozenRuntime:
    """Control store, vault and gateway on a frozen clock."""

    def __init__(self, path: Path, *, features: Collection[str] = FEATURES) -> None:
        self.clock = FrozenClock()
        self.graph = Graph(seed=1, now=None)
        self.graph.clock = self.clock.now
        self.engine = open_store(f"sqlite:///{path / 'control.sqlite'}")
        self.vault = Vault(self.engine, new_key(), now=self.clock.now)
        self.action_links = ActionLinks(
            public_url=PUBLIC, business_url="https://business.example", facebook_url="https://www.example"
        )
        self.events: list[AuditEvent] = []
        self.adapter = SandboxAdapter(self.graph, self.clock, latency_s=0.0)  # type: ignore[arg-type]
        self.client = GraphClient(
            graph_url="http://sandbox", app_id="900000000000001", app_secret=self.graph.identity.secret,
            graph_version="v24.0", marketing_version="v26.0", audit=self.events.append, sleep=self.clock.sleep,
            now=self.clock.now, features=features, adapter=self.adapter,
        )

    def mint(
        self, kind: str = "USER", *, days: float | None = None, scopes: tuple[str, ...] | None = None
    ) -> AccessToken:
        """Mint a token in the sandbox and return it."""
        from meta_pipeline.consent.scopes import scopes_for
        from meta_pipeline.sandbox.world.cast import SYSTEM_USER_ID, USER_ID

        token = self.graph.identity.mint(
            kind, now=self.clock.now(), life=dt.timedelta(days=days) if days else None,
            scopes=scopes_for(2) if scopes is None else scopes,
            subject_id=SYSTEM_USER_ID if kind == "SYSTEM_USER" else USER_ID,
        )
        return AccessToken(kind="user" if kind == "USER" else "system_user", value=token.value)

    def onboard(self, token: AccessToken, *, phase: int = 2) -> TokenRef:
        """Connect the token and return its ref."""
        id = consents.accept_token(
            token, phase=phase, through="a test", tokens=self.vault, engine=self.engine, now=self.clock.now()
        )
        consents.onboard(
            id, graph=self.client, tokens=self.vault, engine=self.engine, now=self.clock.now, sleep=self.clock.sleep
        )
        done = onboardings.get(self.engine, id)
        assert done and done.token_ref
        return self.vault.ref(done.token_ref)
