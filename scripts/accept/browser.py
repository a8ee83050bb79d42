"""A real Chromium, led over its debugging pipe: no driver, no packages beside the standard library."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import time

from fleet import Deviation, end


class Browser:
    """A headless Chromium with one page."""

    def __init__(self, folder: pathlib.Path):
        binary = shutil.which("chromium") or shutil.which("chromium-browser")
        if not binary:
            raise Deviation("chromium is missing: run scripts/install-packages")
        self.folder, self.binary = folder, binary
        self.events: list[dict] = []
        self.buffer, self.number = b"", 0
        self.process: subprocess.Popen | None = None
        self.session = None

    def __enter__(self) -> "Browser":
        to_read, ours_write = os.pipe()
        ours_read, to_write = os.pipe()

        def wire():
            # Chromium reads commands from 3 and writes to 4.
            low, high = os.dup(to_read), os.dup(to_write)
            os.dup2(low, 3)
            os.dup2(high, 4)

        command = [self.binary, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync",
                   "--remote-debugging-pipe", f"--user-data-dir={self.folder / 'browser'}", "about:blank"]
        self.process = subprocess.Popen(command, preexec_fn=wire, close_fds=False,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.reader, self.writer = ours_read, ours_write
        target = self.say("Target.createTarget", seconds=120, url="about:blank")["targetId"]
        self.session = self.say("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.say(f"{domain}.enable")
        self.say("Page.addScriptToEvaluateOnNewDocument", source="""
            window.__shift = 0;
            window.__moved = [];
            new PerformanceObserver((list) => {
              for (const e of list.getEntries()) if (!e.hadRecentInput) {
                window.__shift += e.value;
                for (const { node, previousRect: a, currentRect: b } of e.sources) {
                  window.__moved.push(`${node?.outerHTML?.slice(0, 60) ?? node?.nodeName} ${a.x},${a.y} ${a.width}x${a.height} to ${b.x},${b.y} ${b.width}x${b.height}`);
                }
              }
            })
              .observe({ type: "layout-shift", buffered: true });
            document.addEventListener("securitypolicyviolation", (e) => console.error("CSP " + e.violatedDirective + " " + e.blockedURI));
        """)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.writer)
        end(self.process)
        os.close(self.reader)

    def say(self, method: str, seconds: float = 30, **params) -> dict:
        """Sends one command and waits for its answer."""
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.writer, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while True:
            told = self._next(deadline, method)
            if told.get("id") == self.number:
                if "error" in told:
                    raise Deviation(f"{method}: {told['error']}")
                return told["result"]
            self.events.append(told)

    def _next(self, deadline: float, awaited: str) -> dict:
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.reader], [], [], left)[0]:
                raise Deviation(f"Chromium: no answer to {awaited} in time")
            part = os.read(self.reader, 1 << 16)
            if not part:
                raise Deviation("Chromium went away")
            self.buffer += part
        line, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(line)

    def wait(self, method: str, seconds: float = 30) -> dict:
        """The next event of this name."""
        deadline = time.monotonic() + seconds
        while True:
            for event in self.events:
                if event.get("method") == method:
                    self.events.remove(event)
                    return event["params"]
            self.events.append(self._next(deadline, method))

    def look(self, script: str):
        """What a script says of the page."""
        told = self.say("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in told:
            raise Deviation(f"{script[:200]}: {told['exceptionDetails']}")
        return told["result"].get("value")

    def screen(self, width: int, height: int, scheme: str) -> None:
        """Sets width, height and colours."""
        self.say("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.say("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address: str) -> None:
        """Goes to an address and waits until it is there."""
        self.events = [e for e in self.events if e.get("method") != "Page.loadEventFired"]
        self.say("Page.navigate", url=address)
        self.wait("Page.loadEventFired")

    def click(self, selector: str, words: str = "") -> None:
        """Follows the first link that fits, as a person would: it must be there to be seen."""
        self.events = [e for e in self.events if e.get("method") != "Page.loadEventFired"]
        found = self.look(f"""(() => {{
            const fits = [...document.querySelectorAll({json.dumps(selector)})].filter(
              (it) => it.textContent.includes({json.dumps(words)}) && it.getClientRects().length > 0);
            if (!fits.length) return false;
            fits[0].click();
            return true;
        }})()""")
        if not found:
            raise Deviation(f"no link {selector} {words!r} on {self.look('location.href')}")
        self.wait("Page.loadEventFired")

    def complaints(self) -> list[str]:
        """What the console, the policy and the network complained of since the last time."""
        bad = []
        for event in self.events:
            params = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    bad.append(f"exception: {params['exceptionDetails'].get('text')}")
                case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                    bad.append(f"console: {[a.get('value') for a in params['args']]}")
                case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                    bad.append(f"log: {params['entry']['text']} {params['entry'].get('url', '')}")
                case "Page.javascriptDialogOpening":
                    bad.append(f"dialog: {params['message']}")
        return bad

    def requests(self) -> list[str]:
        """Addresses asked for since the last time."""
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def forget(self) -> None:
        """Begins anew with what was complained of and asked for."""
        self.events = []

    def shot(self, file: pathlib.Path, whole: bool = True) -> None:
        """A picture of the page."""
        told = self.say("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(told["data"]))
