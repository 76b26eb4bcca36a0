"""A Chromium that tests drive over a pipe of the DevTools protocol; without one they skip."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT_S = 30.0
FREE_FROM = 64  # descriptors that are copied out of the way of 3 and 4, whatever is open below


class Browser:
    """One headless Chromium with one tab.

    Args:
        program: path of the browser.
        home: folder for its profile.
    """

    def __init__(self, program: str, home: Path) -> None:
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()

        def connect() -> None:  # the browser reads commands from 3 and answers on 4
            spare = [fcntl.fcntl(end, fcntl.F_DUPFD, FREE_FROM) for end in (commands, answers)]
            for k, end in enumerate(spare):
                os.dup2(end, 3 + k)

        self._process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={home}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False,
            preexec_fn=connect,
        )  # fmt: skip
        for end in (commands, answers):
            os.close(end)
        os.set_blocking(self._read, False)
        self._buffer, self._id, self.complaints = b"", 0, []
        self._session: str | None = None
        tabs = self.call("Target.getTargets")["targetInfos"]
        tab = next(t["targetId"] for t in tabs if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=tab, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol and waits for its result."""
        self._id += 1
        number, message = self._id, {"id": self._id, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + WAIT_S
        while b"\0" not in self._buffer:
            with contextlib.suppress(BlockingIOError):
                more = os.read(self._read, 1 << 20)
                assert more, "the browser has closed its pipe"
                self._buffer += more
                continue
            assert time.monotonic() < end, "the browser does not answer"
            time.sleep(0.005)
        text, _, self._buffer = self._buffer.partition(b"\0")
        answer = json.loads(text)
        self._note(answer.get("method", ""), answer.get("params", {}))
        return answer

    def _note(self, method: str, event: dict[str, Any]) -> None:
        """Keeps what the browser complains of: exceptions, console errors, refused requests."""
        if method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            said = details.get("exception", {}).get("description", details["text"])
            self.complaints.append(said)
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning"):
            self.complaints.append(str(event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.complaints.append(event["entry"]["text"])

    def open(self, path: Path, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        """Opens a file in a window of a size, and waits until it has drawn."""
        self.complaints.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=path.resolve().as_uri())
        end = time.monotonic() + WAIT_S
        while self.value("document.readyState") != "complete" and time.monotonic() < end:
            time.sleep(0.02)
        self.settle()

    def settle(self) -> None:
        """Waits for two frames, so that what was asked for is drawn."""
        self.value(
            "new Promise(d => requestAnimationFrame(() => requestAnimationFrame(() => d(1))))"
        )

    def value(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, times: int = 1) -> None:
        """Presses a key in whatever has the focus."""
        codes = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
                 "Home": 36, "End": 35, "Tab": 9, "Enter": 13, " ": 32}  # fmt: skip
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
                self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                          windowsVirtualKeyCode=codes[key], **text)  # fmt: skip
        self.settle()

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Saves what is seen, or the whole page, as a PNG."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """Ends the browser."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        for end in (self._read, self._write):
            os.close(end)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of a run."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None or os.name != "posix":
        warnings.warn(f"no page was opened: none of {', '.join(NAMES)} is here", stacklevel=1)
        pytest.skip(f"NO PAGE WAS OPENED: none of {', '.join(NAMES)} is here")
    browser = Browser(program, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def opened(browser: Browser) -> Callable[..., Browser]:
    """Opens a page; gives the browser, which has had nothing to complain of."""

    def call(path: Path, **how: Any) -> Browser:
        browser.open(path, **how)
        assert browser.complaints == []
        return browser

    return call
