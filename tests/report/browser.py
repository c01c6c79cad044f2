"""Chromium through chromedriver, in the words of the WebDriver protocol: all that the report's tests need, with the standard library."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Without these Chromium phones home at every start, which a closed network refuses many times a second.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True, slots=True)
class Page:
    """One tab. Every wait is a condition with a limit, never a sleep of fixed length."""

    url: str

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data=data, headers={"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from error

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self._ask("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def resize(self, width: int, height: int, *, phone: bool) -> None:
        self.devtools(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )
        self.devtools("Emulation.setTouchEmulationEnabled", enabled=phone)

    def prefer(self, scheme: str, media: str = "screen") -> None:
        self.devtools(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )

    def open(self, file: Path) -> None:
        self._ask("/url", {"url": file.resolve().as_uri()})
        self.until("return document.documentElement.dataset.ready === 'yes'")

    def run(self, script: str, *arguments: Any) -> Any:
        return self._ask("/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, condition: str, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not self.run(condition):
            assert time.monotonic() < end, f"never true: {condition}; console: {self.console()}"
            time.sleep(0.02)

    def console(self) -> list[str]:
        """Messages since the last call."""
        return [entry["message"] for entry in self._ask("/se/log", {"type": "browser"})]

    def screenshot(self, file: Path) -> None:
        """The whole page, beyond the window too."""
        shot = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(chromium: Path, chromedriver: Path, profile: Path) -> Iterator[Page]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    driver = subprocess.Popen([chromedriver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"{base}/status", timeout=2).close()
                break
            except OSError:
                assert time.monotonic() < end, "chromedriver did not start"
                time.sleep(0.05)
        options = {"binary": str(chromium), "args": [*FLAGS, f"--user-data-dir={profile}"]}
        capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = Page(base)._ask("/session", {"capabilities": {"alwaysMatch": capabilities}})
        page = Page(f"{base}/session/{session['sessionId']}")
        try:
            yield page
        finally:
            request = urllib.request.Request(page.url, method="DELETE")
            urllib.request.urlopen(request, timeout=20).close()
    finally:
        driver.terminate()
        driver.wait(20)
