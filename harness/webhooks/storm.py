"""Many webhooks at a rate, some of them repeated, some forged, to a `serve` that is killed in the middle."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import http.client
import json
import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from harness.home import Home, free_port
from meta_pipeline.flows.webhooks.refreshing import due_work
from meta_pipeline.store.engine import open_store
from meta_pipeline.store.webhooks.inbox import Entry, Inbox

VERIFY_TOKEN = "a text of our choice"  # noqa: S105 - of a home that ends with the test
PAGE, TIME = "3000000000001", 1_795_000_000
_GIVE_UP_S = 120.0


@dataclass(frozen=True)
class Post:
    """One POST. `number` is that of its change, in the post's id and in the time."""

    number: int
    is_forged: bool

    def body(self) -> bytes:
        """Return the body, as Meta writes it."""
        value = {"post_id": f"{PAGE}_{self.number}", "item": "post", "verb": "edit", "message": "Ödegård" * 20}
        entry = {"id": PAGE, "time": TIME + self.number, "changes": [{"field": "feed", "value": value}]}
        return json.dumps({"object": "page", "entry": [entry]}).encode()


def posts_of(count: int, *, duplicates: float, forged: float, seed: int) -> list[Post]:
    """Return this number of posts, of which these shares repeat an earlier one or are forged."""
    chance, posts = random.Random(seed), list[Post]()
    for number in range(count):
        true = [post for post in posts if not post.is_forged]
        drawn = chance.random()
        if drawn < duplicates and true:
            posts.append(chance.choice(true))
        else:
            posts.append(Post(number, is_forged=drawn > 1 - forged))
    return posts


@dataclass
class Storm:
    """A storm on one home's `serve`. `seconds`: the time of each response; `statuses`: of the last try of each post."""

    home: Home
    secret: str
    port: int = field(default_factory=free_port)
    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    _server: subprocess.Popen[str] | None = None
    _local: threading.local = field(default_factory=threading.local)
    _connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def start(self) -> None:
        """Start `serve`, and wait until it answers."""
        self._server = self.home.start("serve", "--port", str(self.port))
        assert self._server.stdout is not None
        assert self._server.stdout.readline().startswith("READY"), "serve did not start"

    def kill(self) -> None:
        """Kill `serve` with -9."""
        assert self._server is not None
        self._server.send_signal(signal.SIGKILL)
        self._server.communicate()

    def run(self, posts: list[Post], *, rate: float) -> None:
        """Send the posts at a rate per second; kill `serve` in the middle and start it again. Send unanswered posts
        again, as Meta does."""
        self.start()
        begun = time.monotonic()
        with ThreadPoolExecutor(32) as pool:
            sending = [pool.submit(self._send, at, post, begun + at / rate) for at, post in enumerate(posts)]
            while sum(each.done() for each in sending) < len(posts) // 2:
                threading.Event().wait(0.005)
            self.kill()
            self.start()
            for each in sending:
                each.result()
        for connection in self._connections:
            connection.close()
        self.kill()

    def entries(self) -> list[Entry]:
        """Return the rows of the inbox."""
        return Inbox(self._engine()).find()

    def acted_on(self) -> list[int]:
        """Return the rows of the inbox behind the reads that the sensor would start, each as often as a read has it."""
        work = due_work(self._engine(), features=(), now=dt.datetime.now(dt.UTC))
        return [id for each in work for id in each.ids]

    def _engine(self) -> sa.Engine:
        return open_store(f"sqlite:///{Path(self.home.environment['META_PIPELINE_HOME']) / 'control.sqlite'}")

    def _send(self, at: int, post: Post, due: float) -> None:
        body = post.body()
        secret = "another secret" if post.is_forged else self.secret
        headers = {"x-hub-signature-256": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}
        wait = threading.Event().wait
        wait(max(0.0, due - time.monotonic()))
        give_up = time.monotonic() + _GIVE_UP_S
        while time.monotonic() < give_up:
            started = time.monotonic()
            try:
                status = self._post(body, headers)
            except (OSError, http.client.HTTPException):
                self._local.connection.close()
                wait(0.2)
                continue
            self.seconds.append(time.monotonic() - started)
            self.statuses[at] = status
            if status < 500:
                return
            wait(0.2)
        raise AssertionError("a webhook was never answered")

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        """Send a body over this thread's connection; return the status. It uses the standard library's connection,
        because the cost of a larger client would be measured as response time."""
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self._connections.append(self._local.connection)
        connection: http.client.HTTPConnection = self._local.connection
        connection.request("POST", "/webhooks", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
