"""A loopback server that speaks as an OpenAI-compatible one, and fails as its script says."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From the parsed request to the parsed answer."""


def say(text: str, *, finish: str = "stop", logprobs: Any = None, tokens: tuple[int, int] = (10, 2)) -> dict[str, Any]:
    """Return an answer in the form of a completion and of a chat at once."""
    choice = {"text": text, "message": {"content": text}, "finish_reason": finish, "logprobs": logprobs}
    return {"choices": [choice], "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}}


@dataclass(frozen=True)
class Fault:
    """What the server does instead of answering: "status", "garbage", "truncated", "cut" or "slow" (for `seconds`)."""

    what: str
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = '{"error": {"message": "scripted"}}'
    seconds: float = 0.0


@dataclass
class Script:
    """The faults of the next requests in turn (None: none); after them all are answered by `answer`."""

    answer: Answer
    faults: list[Fault | None] = field(default_factory=list)
    models: Mapping[str, Any] | Fault = field(default_factory=lambda: {"data": [{"id": "scripted"}]})
    extras: Mapping[str, Answer] = field(default_factory=dict)
    """Other paths than those of every such server: "/tokenize", "/props", ..."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""


@contextmanager
def scripted(script: Script) -> Iterator[Script]:
    """Serve on a free port of loopback; `script.url` is its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            script.headers.append({name.lower(): value for name, value in self.headers.items()})
            if self.path == "/v1/models":
                if isinstance(script.models, Fault):
                    _fail(self, script.models)
                else:
                    _reply(self, 200, json.dumps(script.models))
            elif self.path in script.extras:
                _reply(self, 200, json.dumps(script.extras[self.path]({})))
            else:
                _reply(self, 404, "{}")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path in script.extras:
                _reply(self, 200, json.dumps(script.extras[self.path](body)))
                return
            if self.path not in ("/v1/completions", "/v1/chat/completions"):
                _reply(self, 404, "{}")
                return
            with script.lock:
                script.asked.append(body)
                script.headers.append({name.lower(): value for name, value in self.headers.items()})
                script.times.append(time.monotonic())
                fault = script.faults.pop(0) if script.faults else None
            if fault is not None:
                _fail(self, fault)
            else:
                _reply(self, 200, json.dumps(script.answer(body)))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _reply(handler: BaseHTTPRequestHandler, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
    data = text.encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def _fail(handler: BaseHTTPRequestHandler, fault: Fault) -> None:
    if fault.what == "status":
        _reply(handler, fault.status, fault.body, fault.headers)
    elif fault.what == "garbage":
        _reply(handler, 200, "<html>It works!</html>")
    elif fault.what == "truncated":
        _reply(handler, 200, '{"choices": [{"text": " em')
    elif fault.what == "form":
        _reply(handler, 200, '{"choices": []}')
    elif fault.what == "slow":
        time.sleep(fault.seconds)
        handler.close_connection = True
    elif fault.what == "cut":
        # More is promised than is sent.
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"choices": [')
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
