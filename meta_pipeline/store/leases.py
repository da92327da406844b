"""Locks that end by themselves: a lease has a holder and an end, and a dead holder's is free at once."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.heartbeat import beating
from meta_pipeline.store.processes import identity, is_gone
from meta_pipeline.store.schema import leases

LIFE = dt.timedelta(seconds=60)
RENEW_S, LOOK_S = 15.0, 0.5


class LeaseError(MetaPipelineError):
    """Somebody else holds what was asked for."""


def take(engine: sa.Engine, name: str, *, holder: str, now: dt.datetime) -> bool:
    """Whether the lease is this holder's now."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(leases).where(leases.c.name == name)).first()
    if row is not None and row.expires_at > now and not is_gone(row.holder):
        return False
    try:
        with engine.begin() as connection:
            if row is not None:  # only if nobody took it meanwhile
                seen = (leases.c.name == name, leases.c.holder == row.holder, leases.c.expires_at == row.expires_at)
                if not connection.execute(leases.delete().where(*seen)).rowcount:
                    return False
            connection.execute(leases.insert().values(name=name, holder=holder, expires_at=now + LIFE))
    except sa.exc.IntegrityError:
        return False
    return True


@contextlib.contextmanager
def held(
    engine: sa.Engine,
    name: str,
    *,
    now: Callable[[], dt.datetime],
    sleep: Callable[[float], None],
    patience_s: float = 3600.0,
) -> Iterator[None]:
    """Hold the lease while the block runs, renewed by a heartbeat; wait for it as long as `patience_s`."""
    holder = identity()
    waited = 0.0
    while not take(engine, name, holder=holder, now=now()):
        if waited >= patience_s:
            raise LeaseError(f"another run works on {name} for {patience_s / 60:.0f} minutes already: try again later")
        sleep(LOOK_S)
        waited += LOOK_S

    def renew() -> None:
        with engine.begin() as connection:
            mine = sa.and_(leases.c.name == name, leases.c.holder == holder)
            connection.execute(leases.update().where(mine).values(expires_at=now() + LIFE))

    try:
        with beating(renew, every_s=RENEW_S):
            yield
    finally:
        with engine.begin() as connection:
            connection.execute(leases.delete().where(leases.c.name == name, leases.c.holder == holder))
