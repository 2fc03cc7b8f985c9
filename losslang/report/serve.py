"""The page while runs train: served on this machine alone, and made anew when a run has logged something."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from losslang.diagnostics import LosslangError

__all__ = ["Page", "make_server", "serve", "stamp"]

HOST = "127.0.0.1"


def stamp(paths: Iterable[Path]) -> str:
    """A short text that changes when a file of a run does."""
    state = []
    for path in paths:
        for file in sorted([*path.rglob("metrics.jsonl"), *path.rglob("result.json")]):
            try:
                found = file.stat()
            except OSError:  # a run that is being replaced
                continue
            state.append((str(file), found.st_mtime_ns, found.st_size))
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


class Page:
    """The text of the page, made at most once for a state of the folders."""

    def __init__(self, paths: list[Path], make: Callable[[], str]) -> None:
        self.paths, self._make, self._lock = paths, make, Lock()
        self._made = ("", "")

    def text(self) -> str:
        """The page as the folders are now; what is wrong with them, as a page, where there is none."""
        with self._lock:
            now = stamp(self.paths)
            if self._made[0] != now:
                self._made = now, self._made_or_reason()
            return self._made[1]

    def _made_or_reason(self) -> str:
        from losslang.report.html import tag

        try:
            return self._make()
        except (LosslangError, OSError) as error:
            reload = tag("meta", http_equiv="refresh", content="3")
            return f"<!doctype html>{reload}{tag('title', 'losslang')}{tag('p', str(error))}"


class _Server(ThreadingHTTPServer):
    """Goes on whatever becomes of one answer."""

    def handle_error(self, *_arguments: object) -> None:
        """Nothing where a reader left before the page was whole; a line where something else went wrong."""
        error = sys.exc_info()[1]
        if not isinstance(error, ConnectionError):
            sys.stderr.write(f"losslang: the page could not be made: {type(error).__name__}: {error}\n")


def make_server(page: Page, port: int) -> ThreadingHTTPServer:
    """A server of the page at `/` and its stamp at `/stamp`, bound to the loopback address. Port 0 is any free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer with the page or its stamp."""
            if self.headers.get("Host", "").rpartition(":")[0] not in {HOST, "localhost"}:
                self.send_error(403)  # another name for this machine: a page elsewhere is asking
            elif self.path == "/":
                self._answer("text/html; charset=utf-8", page.text())
            elif self.path == "/stamp":
                self._answer("text/plain", stamp(page.paths))
            else:
                self.send_error(404)

        def _answer(self, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Nothing: the terminal is for the training."""

    return _Server((HOST, port), Handler)


def serve(paths: list[Path], make: Callable[[], str], port: int, say: Callable[[str], None]) -> int:
    """Serve until interrupted; `say` hears where. Raises LosslangError where the port is taken."""
    try:
        server = make_server(Page(paths, make), port)
    except OSError as error:
        raise LosslangError(
            f"port {port} of {HOST} cannot be had: {error.strerror}; choose another with --port"
        ) from error
    say(f"http://{HOST}:{server.server_address[1]}/ shows the runs as they train; Ctrl-C ends it")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0
