"""A web server on this machine that gets what alerts send: apprise's ``json://127.0.0.1:PORT``."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Receiver:
    """What came, in order; ``answers`` are the statuses to give, the last one for ever; ``hold`` keeps answers back while it is not set."""

    port: int = 0
    answers: list[int] = field(default_factory=lambda: [200])
    came: list[dict[str, Any]] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/hook-51d0c7f2"

    @property
    def texts(self) -> list[str]:
        return [each["message"] for each in self.came]


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    made = Receiver(answers=list(answers) or [200])
    made.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.hold.wait(10)
            status = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
            made.came.append(document)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
