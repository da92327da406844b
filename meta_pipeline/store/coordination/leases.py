"""Locks that expire: a lease has a holder and an expiry time, and is free at once when its holder dies.

A holder that runs on this host keeps its lease even after the expiry time, which can pass because the machine slept or
its clock jumped. Of a holder on another host only the expiry time is known. So a lease can be lost while its holder
works, and the holder checks it before it commits."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from meta_pipeline.records import MetaPipelineError
from meta_pipeline.store.coordination.heartbeat import beating
from meta_pipeline.store.coordination.processes import identity, is_gone, pid_of
from meta_pipeline.store.schema.gateway import leases

LIFE = dt.timedelta(seconds=60)
RENEW_S, POLL_S = 15.0, 0.5


class LeaseError(MetaPipelineError):
    """Another process holds the lease."""


class LeaseLostError(LeaseError):
    """Another run took the lease while this one worked; nothing may be committed."""


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A lease that this process holds."""

    engine: sa.Engine
    name: str
    holder: str
    now: Callable[[], dt.datetime]

    def renew(self) -> None:
        """Extend the lease; raise LeaseLostError if another holder has it."""
        with self.engine.begin() as connection:
            self.renew_in(connection)

    def renew_in(self, connection: sa.Connection) -> None:
        """Renew in this transaction: until it ends, no other process can take the lease."""
        mine = sa.and_(leases.c.name == self.name, leases.c.holder == self.holder)
        if not connection.execute(leases.update().where(mine).values(expires_at=self.now() + LIFE)).rowcount:
            raise LeaseLostError(
                f"another run took over {self.name} while this one was suspended; what this one has read since is "
                "not written: run it again to continue"
            )


# The leases of this process: by the control store and the name.
_mine: dict[tuple[sa.URL, str], Lease] = {}
_mine_lock = threading.Lock()


def find_own(engine: sa.Engine, name: str) -> Lease | None:
    """Return the lease of this name that this process holds; None if it works without one."""
    with _mine_lock:
        return _mine.get((engine.url, name))


def try_take(engine: sa.Engine, name: str, *, holder: str, now: dt.datetime) -> bool:
    """Take the lease if it is free; return whether this holder has it now."""
    with engine.connect() as connection:
        row = connection.execute(sa.select(leases).where(leases.c.name == name)).first()
    if row is not None and _is_held(row.holder, row.expires_at, now):
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


def _is_held(holder: str, expires_at: dt.datetime, now: dt.datetime) -> bool:
    if pid_of(holder) is not None:  # it lives on this host
        return True
    return expires_at > now and not is_gone(holder)


@contextlib.contextmanager
def hold(
    engine: sa.Engine,
    name: str,
    *,
    now: Callable[[], dt.datetime],
    sleep: Callable[[float], None],
    patience_s: float = 3600.0,
) -> Iterator[Lease]:
    """Hold the lease while the block runs, renewed by a heartbeat. Wait up to `patience_s` for it, then raise
    LeaseError."""
    holder = identity()
    waited = 0.0
    while not try_take(engine, name, holder=holder, now=now()):
        if waited >= patience_s:
            raise LeaseError(f"another run works on {name}: waited {patience_s / 60:.0f} minutes; try again later")
        sleep(POLL_S)
        waited += POLL_S
    lease = Lease(engine=engine, name=name, holder=holder, now=now)
    with _mine_lock:
        _mine[engine.url, name] = lease
    try:
        with beating(lease.renew, every_s=RENEW_S):
            yield lease
    finally:
        with _mine_lock:
            _mine.pop((engine.url, name), None)
        with engine.begin() as connection:
            connection.execute(leases.delete().where(leases.c.name == name, leases.c.holder == holder))
