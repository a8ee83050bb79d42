"""What the acceptance drivers share: a screen of their own, windows that stand for agents and write
down what they receive, the switchboard binary as a user calls it, and the ledger's story of it.

Needs the standard library only, Xvfb, openbox and Debian's python3-tk (scripts/install-packages).
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[2]
WINDOWS = ROOT / "scripts" / "windows"
# Debian's tkinter and gi belong to Debian's Python, whatever else is first on the path.
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

OBSERVED_OR_BETTER = {"observed", "acknowledged", "answered"}
SETTLED = OBSERVED_OR_BETTER | {"submitted", "inboxed", "expired", "cancelled", "unknown", "dead"}


class Deviation(Exception):
    """Something is not as it should be, and nothing sensible can follow."""


def until(what: str, seconds: float, look, every: float = 0.02):
    """Looks until something is seen, and says what was awaited when it is not."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise Deviation(f"{what}: not seen within {seconds:g} s")
        time.sleep(every)


def end(process: subprocess.Popen | None, seconds: float = 5.0) -> None:
    """Ends a process that was started here."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Screen:
    """A virtual display with a window manager, made here unless one is named. Never by itself the display
    of whoever runs this."""

    def __init__(self, name: str | None = None, width: int = 1680, height: int = 1050):
        self.width, self.height = width, height
        self.server: subprocess.Popen | None = None
        self.manager: subprocess.Popen | None = None
        self.name = name or ""

    def __enter__(self) -> "Screen":
        if self.name:
            told = subprocess.run(["xdotool", "getdisplaygeometry"], env=self.environment(), capture_output=True,
                                  text=True, check=True, timeout=20).stdout.split()
            self.width, self.height = int(told[0]), int(told[1])
            return self
        for tool in ("Xvfb", "openbox"):
            if not shutil.which(tool):
                raise Deviation(f"{tool} is missing: run scripts/install-packages")
        for number in range(90, 190):
            if os.path.exists(f"/tmp/.X11-unix/X{number}") or os.path.exists(f"/tmp/.X{number}-lock"):
                continue
            if self._serve(number):
                break
        else:
            raise Deviation("no display number is free")
        self._manage()
        return self

    def _serve(self, number: int) -> bool:
        ours, theirs = os.pipe()
        size = f"{self.width}x{self.height}x24"
        self.server = subprocess.Popen(
            ["Xvfb", f":{number}", "-screen", "0", size, "-nolisten", "tcp", "-displayfd", str(theirs)],
            pass_fds=[theirs], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            told = pipe.readline().strip()  # ends when the server is ready, or gone
        if told != str(number):
            end(self.server)
            return False
        self.name = f":{number}"
        return True

    def _manage(self) -> None:
        with tempfile.TemporaryDirectory(prefix="accept-wm.") as folder:
            started = pathlib.Path(folder) / "started"
            self.manager = subprocess.Popen(
                ["openbox", "--startup", f"touch {started}"], env=self.environment(),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            until("the window manager", 20, started.exists)

    def environment(self) -> dict[str, str]:
        env = {k: v for k, v in os.environ.items() if k not in ("WAYLAND_DISPLAY", "XAUTHORITY")}
        env["DISPLAY"] = self.name
        return env

    def __exit__(self, *_: object) -> None:
        end(self.manager)
        end(self.server)


class Window:
    """One agent's window: a process of its own that writes down every text submitted to it."""

    def __init__(self, screen: Screen, name: str, place: tuple[int, int, int, int], folder: pathlib.Path,
                 kind: str = "text", stall_ms: int = 0, deaf: bool = False, react_ms: int = 0):
        self.name, self.place, self.kind = name, place, kind
        self.log = folder / f"{name}.log"
        how = KINDS[kind]
        x, y, width, height = place
        size = [str(width // how.cell[0]), str(height // how.cell[1])]
        script = [str(WINDOWS / how.script)]
        command = ([PYTHON] if how.script.endswith(".py") else []) + script
        command += [name, str(x), str(y), *size, "--log", str(self.log), "--title", self.title, *how.options]
        if stall_ms:
            command += ["--stall-ms", str(stall_ms)]
        if react_ms:
            command += ["--react-ms", str(react_ms)]
        if deaf:
            command += ["--deaf"]
        self._command, self._screen = command, screen
        self.process = self._open()
        self.x = self.y = 0

    def _open(self) -> subprocess.Popen:
        return subprocess.Popen(self._command, env=self._screen.environment(), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @property
    def title(self) -> str:
        return f"Agent {self.name}"

    def ready(self) -> "Window":
        """Waits for the line `ready <name> <x> <y>`: where its input box is on the screen."""
        for _ in range(3):
            assert self.process.stdout and self.process.stderr
            line = self.process.stdout.readline().split()
            if len(line) != 4 or line[:2] != ["ready", self.name]:
                raise Deviation(f"the window of {self.name} did not open: {self.process.stderr.read()}")
            self.x, self.y = int(line[2]), int(line[3])
            # What it says later must never block it.
            for pipe in (self.process.stdout, self.process.stderr):
                threading.Thread(target=pipe.read, daemon=True).start()
            x, y, width, height = self.place
            if x <= self.x <= x + width and y <= self.y <= y + height + 60:
                return self
            # It looked before the window manager had put it in its place.
            self.close()
            self.process = self._open()
        raise Deviation(f"the window of {self.name} does not know where it is: {self.x},{self.y}")

    def receipts(self) -> list[str]:
        """Every text that was submitted to it, in order."""
        return read_receipts(self.log)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        if self.process.poll() is None:
            self.thaw()
        end(self.process)


def read_receipts(log: pathlib.Path) -> list[str]:
    """The texts in a window's log: one JSON object a line, or the bare lines of a terminal."""
    if not log.exists():
        return []
    lines = [line for line in log.read_text("utf-8", "replace").split("\n") if line]
    return [json.loads(line)["text"] if line.startswith('{"name"') else line for line in lines]


class Kind:
    """A kind of window: the script that opens it, its options, and what the desk is told it is."""

    def __init__(self, script: str, options: list[str], target: str, cell: tuple[int, int] = (1, 1)):
        self.script, self.options, self.target, self.cell = script, options, target, cell


KINDS = {
    "text": Kind("tk_agent.py", ["--kind", "text"], "chat"),
    "entry": Kind("tk_agent.py", ["--kind", "entry"], "chat"),
    "gtk": Kind("gtk_agent.py", ["--kind", "entry"], "chat"),
    "gtktext": Kind("gtk_agent.py", ["--kind", "text"], "chat"),
    "qt": Kind("qt_agent.py", ["--kind", "entry"], "chat"),
    "qttext": Kind("qt_agent.py", ["--kind", "text"], "chat"),
    "chromium": Kind("chromium_agent.py", ["--kind", "textarea"], "chat"),
    "editable": Kind("chromium_agent.py", ["--kind", "editable"], "chat"),
    "async": Kind("chromium_agent.py", ["--kind", "async"], "chat"),
    # Their size is in columns and rows.
    "xterm": Kind("xterm_agent.sh", [], "terminal", (7, 16)),
    "lines": Kind("xterm_agent.sh", ["--kind", "lines"], "terminal", (7, 16)),
    "tmux": Kind("xterm_agent.sh", ["--kind", "tmux"], "terminal", (7, 16)),
    "bash": Kind("xterm_agent.sh", ["--kind", "bash"], "terminal", (7, 16)),
    "tmux-bash": Kind("xterm_agent.sh", ["--kind", "tmux-bash"], "terminal", (7, 16)),
}


# Every kind of program that messages are for; none runs what it is told.
EVERY_KIND = ["text", "gtk", "gtktext", "qt", "xterm", "tmux", "chromium", "editable", "async"]
# Browsers are no narrower than 500 pixels: a screen with room for three rows of four windows.
ROOMY = (2560, 1500)


class Fleet:
    """A number of windows in a grid, opened together; of one kind, or of several in turn."""

    def __init__(self, screen: Screen, folder: pathlib.Path, count: int = 8, size: tuple[int, int] | None = None,
                 kinds: list[str] | None = None, **how):
        columns = 4
        width, height = screen.width // columns, screen.height // -(-count // columns)
        self.windows: list[Window] = []
        for number in range(count):
            place = (number % columns * width + 8, number // columns * height + 30, *(size or (width - 24, height - 70)))
            more = how | ({"kind": kinds[number % len(kinds)]} if kinds else {})
            self.windows.append(Window(screen, f"agent-{number + 1}", place, folder, **more))

    def __enter__(self) -> "Fleet":
        for window in self.windows:
            window.ready()
        return self

    def __exit__(self, *_: object) -> None:
        for window in self.windows:
            window.close()

    def __getitem__(self, number: int) -> Window:
        return self.windows[number]

    def __iter__(self):
        return iter(self.windows)

    def __len__(self) -> int:
        return len(self.windows)


class Answer:
    """What one call of the binary gave back."""

    def __init__(self, arguments: list[str], code: int, out: str, err: str, seconds: float):
        self.arguments, self.code, self.out, self.err, self.seconds = arguments, code, out, err, seconds

    @property
    def objects(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]

    @property
    def object(self) -> dict:
        objects = self.objects
        if len(objects) != 1:
            raise Deviation(f"{self}: one object was expected")
        return objects[0]

    def __str__(self) -> str:
        return f"switchboard {' '.join(self.arguments)[:200]}: exit {self.code}\n{self.out[-600:]}{self.err[-600:]}"


class Desk:
    """The switchboard binary on one store, called as a user calls it."""

    def __init__(self, binary: pathlib.Path, folder: pathlib.Path, display: str, settings: dict[str, str] | None = None):
        self.binary, self.folder = binary, folder
        self.store = folder / "store"
        self.daemon: subprocess.Popen | None = None
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("SWITCHBOARD_", "WAYLAND_"))}
        self.env |= {
            "DISPLAY": display, "SWITCHBOARD_STORE": str(self.store), "NO_COLOR": "1",
            "XDG_CONFIG_HOME": str(folder / "config"), "XDG_DATA_HOME": str(folder / "data"),
        }
        self.env |= {f"SWITCHBOARD_{key.upper().replace('.', '__')}": value for key, value in (settings or {}).items()}

    def run(self, *arguments: str, text: str | None = None, seconds: float = 180) -> Answer:
        command = [str(self.binary), "--json", *arguments]
        begun = time.monotonic()
        done = subprocess.run(
            command, env=self.env, cwd=self.folder, input=text or "", capture_output=True,
            text=True, encoding="utf-8", timeout=seconds, check=False,
        )
        return Answer(list(arguments), done.returncode, done.stdout, done.stderr, time.monotonic() - begun)

    def must(self, *arguments: str, codes: tuple[int, ...] = (0,), **how) -> Answer:
        answer = self.run(*arguments, **how)
        if answer.code not in codes:
            raise Deviation(f"{answer}\nexit {' or '.join(map(str, codes))} was expected")
        return answer

    def enrol(self, windows) -> None:
        """A new store that knows every window."""
        self.must("init")
        for window in windows:
            self.must("agent", "add", window.name, "--seat", self.env["DISPLAY"],
                      "--at", f"{window.x},{window.y}", "--window", f"^{window.title}$", "--target", KINDS[window.kind].target)

    def serve(self) -> float:
        """Starts the daemon in the background; the seconds until it answered."""
        begun = time.monotonic()
        log = open(self.folder / "daemon.log", "ab")  # pylint: disable=consider-using-with
        self.daemon = subprocess.Popen(
            [str(self.binary), "serve", "--listen", "127.0.0.1:0"], env=self.env, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )
        log.close()
        daemon = self.daemon

        def answers() -> bool:
            if daemon.poll() is not None:
                tail = (self.folder / "daemon.log").read_text("utf-8", "replace")[-2000:]
                raise Deviation(f"serve ended with {daemon.returncode}:\n{tail}")
            return self._listens(daemon.pid) and self.run("status").code == 0

        until("an answer of the daemon", 60, answers)
        return time.monotonic() - begun

    def _listens(self, pid: int) -> bool:
        """Whether this very process answers on the socket: for a moment another may own the ledger."""
        with socket.socket(socket.AF_UNIX) as line:
            try:
                line.connect(str(self.store / "control.sock"))
            except OSError:
                return False
            peer = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return struct.unpack("3i", peer)[0] == pid

    def stop(self) -> int | None:
        """Asks the daemon to end; its exit code."""
        if self.daemon is None:
            return None
        end(self.daemon, 30)
        code, self.daemon = self.daemon.returncode, None
        return code

    def workers(self) -> list[int]:
        """Process ids of the daemon's own children: one for each seat."""
        return children(self.daemon.pid) if self.daemon and self.daemon.poll() is None else []

    def events(self) -> list[dict]:
        return self.must("events").objects

    def settle(self, seconds: float) -> None:
        """Waits until nothing is queued or under way."""
        left: list[dict] = []

        def empty() -> bool:
            left[:] = self.must("queue").objects
            return not left

        try:
            until("an empty queue", seconds, empty, every=0.1)
        except Deviation as deviation:
            rows = "\n".join(f"  {row}" for row in left[:5])
            raise Deviation(f"{deviation}; {len(left)} wait:\n{rows}") from None


def children(parent: int) -> list[int]:
    """Living child processes of a process (Linux)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path("/proc", entry, "stat").read_text("utf-8", "replace")
            except OSError:
                continue
            state, above = stat.rsplit(")", 1)[1].split()[:2]
            if int(above) == parent and state != "Z":
                found.append(int(entry))
    return sorted(found)


class Appetite:
    """What the daemon and its workers take while they work: processor time, and memory at most."""

    def __init__(self, desk: "Desk"):
        self.desk, self.resident, self.seconds = desk, [], {}
        self.over = threading.Event()
        self.watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Appetite":
        self.look()
        self.before = sum(self.seconds.values())
        self.begun = time.monotonic()
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.watcher.join()
        self.look()
        self.share = (sum(self.seconds.values()) - self.before) / (time.monotonic() - self.begun)

    def _watch(self) -> None:
        while not self.over.wait(0.25):
            self.look()

    @property
    def megabytes(self) -> float:
        return sum(self.resident)

    def look(self) -> None:
        if not self.desk.daemon:
            return
        resident = []
        for pid in [self.desk.daemon.pid, *self.desk.workers()]:
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()
            except OSError:
                continue
            self.seconds[pid] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            resident.append(int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
        if sum(resident) > sum(self.resident):
            self.resident = resident


PIECES = (
    "Grüße an alle", "пожалуйста, проверь сборку", "テストを実行して", "请检查日志", "שלום עולם", "مرحبا بالعالم",
    "Καλημέρα κόσμε", "안녕하세요", "नमस्ते", "👩‍💻 ships it 🚀", "🧪🔥✅", "“quoted” and ‘single’", "\"straight\" & 'plain'",
    "`back` $HOME %d \\n \\t", "<b>not html</b> &amp;", "naïve façade — œuvre…", "∀x∈ℝ: ⌈x⌉ ≥ x", "rm -rf /tmp/x; echo |", "e\u0301 vs é",
    "C:\\path\\to", "tab-less, 100 % plain", "{json: [1, 2]}", "ﬁn ﬂow", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "¿qué tal?", "ąęłżź", "ⅠⅡⅢ ½ ¾",
)


def texts(count: int, seed: int, length: int = 226) -> list[str]:
    """Different, numbered texts of exactly `length` characters in many scripts, on one line."""
    dice = random.Random(seed)
    made = []
    for number in range(1, count + 1):
        text = f"#{number:04d}"
        while len(text) < length:
            text += " " + dice.choice(PIECES)
        text = text[:length]
        # A text must not end in a blank or begin a joined character that the cut took apart.
        while text[-1].isspace() or unicodedata.category(text[-1]) in ("Mn", "Cf"):
            text = text[:-1] + "."
        made.append(text)
    assert len(set(made)) == count
    return made


def instant(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 instant."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Story:
    """What the ledger says of every message, read from its events."""

    def __init__(self, events: list[dict]):
        self.of: dict[str, list[dict]] = {}
        for event in events:
            category, _, name = event["stream"].partition("/")
            if category == "message":
                self.of.setdefault(name, []).append(event)

    def times(self, message: str, kind: str) -> list[float]:
        return [instant(e["recorded_at"]) for e in self.of.get(message, []) if e["kind"] == kind]

    def count(self, kind: str) -> int:
        return sum(e["kind"] == kind for events in self.of.values() for e in events)

    def spans(self, first: str, last: str) -> list[float]:
        """Seconds from the first event of one kind to the last of another, per message that has both."""
        found = []
        for message in self.of:
            begun, done = self.times(message, first), self.times(message, last)
            if begun and done:
                found.append(done[-1] - begun[0])
        return found

    def steps(self) -> dict[str, list[float]]:
        """Milliseconds of every step of every attempt that was observed."""
        found: dict[str, list[float]] = {}
        for events in self.of.values():
            for event in events:
                if event["kind"] == "attempt.observed":
                    for step in event["data"]["steps"]:
                        found.setdefault(step["step"], []).append(step["micros"] / 1000)
        return found

    def failures(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for events in self.of.values():
            for event in events:
                if event["kind"] == "attempt.failed":
                    name = event["data"]["class"]
                    found[name] = found.get(name, 0) + 1
        return found


def quantile(values: list[float], part: float) -> float:
    """The nearest-rank quantile; not a number for no values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)] if ordered else math.nan


def compare(expected: dict[str, list[str]], windows) -> list[str]:
    """Every difference between what was claimed to be delivered and what the windows wrote down."""
    wrong = []
    homes: dict[str, set[str]] = {}
    for name, sent in expected.items():
        for text in sent:
            homes.setdefault(text, set()).add(name)
    for window in windows:
        got = window.receipts()
        for text in got:
            if text not in homes:
                wrong.append(f"{window.name} received something nobody sent: {text[:80]!r} ({len(text)} characters)")
            elif window.name not in homes[text]:
                wrong.append(f"{window.name} received {text[:20]!r}, which was for {', '.join(sorted(homes[text]))}")
        sent = expected.get(window.name, [])
        for text in sorted(set(sent)):
            if got.count(text) != sent.count(text):
                wrong.append(f"{window.name} received {text[:20]!r} {got.count(text)} times, not {sent.count(text)}")
    return wrong


def table(rows: list[tuple[str, object]]) -> None:
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}", flush=True)


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that every driver has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--binary", type=pathlib.Path, help="the switchboard to test (default: builds a release)")
    parser.add_argument("--display", help="one that is there, with a window manager (default: starts its own)")
    parser.add_argument("--seed", type=int, default=1, help="of texts and moments")
    parser.add_argument("--keep", action="store_true", help="leave the store and the logs for a look")
    return parser


def find_binary(given: pathlib.Path | None) -> pathlib.Path:
    """The binary under test, built when none is named."""
    if given is None and os.environ.get("SWITCHBOARD_BINARY"):
        given = pathlib.Path(os.environ["SWITCHBOARD_BINARY"])
    if given is None:
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        given = target / "release" / "switchboard"
    if not given.is_file():
        raise Deviation(f"there is no binary at {given}")
    return given.resolve()


class Folder:
    """A scratch folder, left behind on request."""

    def __init__(self, keep: bool):
        self.keep = keep

    def __enter__(self) -> pathlib.Path:
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="accept."))
        return self.path

    def __exit__(self, *_: object) -> None:
        if self.keep:
            print(f"kept: {self.path}")
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def conclude(wrong: list[str]) -> int:
    """Names the deviations, at most a screenful; the exit code."""
    for line in wrong[:20]:
        print(f"  WRONG  {line}")
    if len(wrong) > 20:
        print(f"  … and {len(wrong) - 20} more")
    print("passed" if not wrong else f"failed: {len(wrong)} deviations")
    return 1 if wrong else 0


def entry(main) -> None:
    """Runs a driver; a deviation that ends it is a failure with one line, not a traceback."""
    # Ended from outside, it still ends what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except Deviation as deviation:
        print(f"failed: {deviation}")
        sys.exit(1)
