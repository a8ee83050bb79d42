"""Deliveries into real windows, side by side with what a user would script instead.

Every contender sends its own texts into the same windows, in turn and again and again; the windows write down what
they receive. Intact is: in the right window, whole, exactly once. The time of a message is that of its sender: from
accepted to seen in the box and gone from it (ours), of the calls (the others, who know nothing of the outcome).
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts" / "accept"))

from fleet import (OBSERVED_OR_BETTER, PYTHON, Desk, Screen, Story, Window, find_binary, quantile, texts)  # noqa: E402

PACKAGES = ["gnuplot-nox", "python3-tk", "python3-venv", "xclip", "xdotool"]
PEERS = ["pyautogui==0.9.54", "pyperclip"]
TITLES = {"switchboard": "**Switchboard**", "pyautogui": "PyAutoGUI + pyperclip, default pause",
          "xdotool": "xdotool + xclip", "enigo": "enigo + arboard, fixed 20 ms"}
CONTENDERS = list(TITLES)
# What stands in front of the contenders, how many windows, of which kind, with what options.
CELLS = {
    "healthy": ("eight Tk windows", 8, "text", {}),
    "stalling": ("eight Tk windows that stall up to 150 ms", 8, "text", {"stall_ms": 150}),
    "chromium": ("Chromium text areas", 2, "chromium", {}),
}
REACTION = 100


def options(given):
    parser = argparse.ArgumentParser(prog="scripts/bench delivery", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=80, help="messages of each contender, cell and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=[*CELLS, "seats"], action="append", help="may be repeated")
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--binary", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="one round of 16: a look, not a result")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs" / "bench")
    args = parser.parse_args(given)
    if args.quick:
        args.count, args.rounds = 16, 1
    args.only = args.only or [*CELLS, "seats"]
    args.contenders = args.contenders.split(",")
    return args


def install(contenders):
    """The peers, from public packages; the Python that has PyAutoGUI."""
    known = subprocess.run(["dpkg-query", "-W", "-f", "${Package}:${db:Status-Status} ", *PACKAGES],
                           capture_output=True, text=True).stdout
    missing = [name for name in PACKAGES if f"{name}:installed" not in known]
    if missing:
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        subprocess.run([*sudo, "apt-get", "install", "-y", "-qq", *missing], check=True, stdout=sys.stderr)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    environment = target / "bench-python"
    if "pyautogui" in contenders and not (environment / "ready").exists():
        subprocess.run([PYTHON, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "-q", *PEERS], check=True, stdout=sys.stderr,
                       stderr=subprocess.DEVNULL)
        (environment / "ready").touch()
    if "enigo" in contenders:
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", target / "hands"],
                       cwd=ROOT / "benches" / "hands", check=True)
    return {"pyautogui": [environment / "bin" / "python", HERE / "pyautogui_peer.py"],
            "xdotool": [PYTHON, HERE / "xdotool_peer.py"], "enigo": [target / "hands" / "release" / "hands"]}


def grid(screen, folder, count, **how):
    """Windows in rows of four."""
    width, height = screen.width // 4, screen.height // -(-count // 4)
    if how.get("kind") == "chromium":
        width, height = screen.width // 2, screen.height
    windows = [Window(screen, f"agent-{n + 1}", (n % 4 * width + 8, n // 4 * height + 30, width - 24, height - 70), folder, **how)
               for n in range(count)]
    return [window.ready() for window in windows]


class Desktop:
    """Windows on displays of their own, and a desk that knows them."""

    def __init__(self, binary, displays, count, **how):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench."))
        self.screens, self.windows = [], []
        for number in range(displays):
            screen = Screen().__enter__()
            self.screens.append(screen)
            mine = self.folder / str(number)
            mine.mkdir()
            self.windows += grid(screen, mine, count, **how)
        self.desk = Desk(binary, self.folder, self.screens[0].name, {"delivery.nudge": "false"})
        self.desk.must("init")
        for number, window in enumerate(self.windows):
            window.agent = f"window-{number}"
            self.desk.must("agent", "add", window.agent, "--seat", self.screens[number // count].name,
                           "--at", f"{window.x},{window.y}", "--window", f"^{window.title}$")

    def close(self):
        self.desk.stop()
        for window in self.windows:
            window.close()
        for screen in self.screens:
            screen.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sent_by_us(self, jobs):
        """Milliseconds of every message, one after the other; what the ledger claims to have arrived."""
        self.desk.serve()
        told = [(self.desk.run("send", "--to", window.agent, "--wait", "observed", "--", text), text) for window, text in jobs]
        messages = {answer.object.get("message"): text for answer, text in told if answer.out.strip()}
        story = Story([event for event in self.desk.events() if event["stream"].partition("/")[2] in messages])
        states = {text: self.desk.must("show", message).object["state"] for message, text in messages.items()}
        self.desk.stop()
        spans = [span * 1000 for span in story.spans("message.accepted", "attempt.observed")]
        first = [(story.times(m, "attempt.started") or [0])[0] - story.times(m, "message.accepted")[0] for m in messages]
        return spans, {text for text, state in states.items() if state in OBSERVED_OR_BETTER}, [one * 1000 for one in first]

    def sent_by(self, command, jobs):
        lines = "".join(f"{window.x} {window.y} {text}\n" for window, text in jobs)
        # Python's X library wants such a file, empty or not.
        cookie = self.folder / "no-cookie"
        cookie.touch()
        # To files: xclip stays behind, and would keep a pipe open.
        told, moaned = self.folder / "told", self.folder / "moaned"
        with open(told, "w", encoding="utf-8") as out, open(moaned, "w", encoding="utf-8") as err:
            done = subprocess.run([str(part) for part in command], input=lines, stdout=out, stderr=err, text=True, check=False,
                                  env=self.screens[0].environment() | {"XAUTHORITY": str(cookie)}, timeout=60 + len(jobs) * 3)
        if done.returncode:
            raise SystemExit(f"bench: {command[-1]} ended with {done.returncode}:\n{moaned.read_text('utf-8')[-2000:]}")
        time.sleep(1)  # for windows that are still at it
        return [int(line) / 1000 for line in told.read_text('utf-8').split("\n") if line.isdigit()], None, []


def judged(windows, jobs):
    """What became of these texts: intact in the right window once, in a wrong one, more than once."""
    got = {window: window.receipts() for window in windows}
    intact = wrong = twice = 0
    for home, text in jobs:
        here = got[home].count(text)
        # A piece of it elsewhere is as bad as all of it.
        elsewhere = sum(text[:12] in other for window in windows if window is not home for other in got[window])
        intact += here == 1 and not elsewhere
        wrong += elsewhere > 0
        twice += here > 1
    return intact, wrong, twice


class Result:
    def __init__(self):
        self.sent = self.intact = self.wrong = self.twice = self.false = 0
        self.spans, self.begun = [], []

    def row(self, name):
        return [TITLES[name], f"{100 * self.intact / max(1, self.sent):.1f} %", self.wrong, self.twice,
                self.false if name == "switchboard" else "claims nothing", f"{quantile(self.spans, .5):.1f}",
                f"{quantile(self.spans, .99):.1f}"]


def cell(name, args, binary, peers):
    _, count, kind, how = CELLS[name]
    results = {contender: Result() for contender in args.contenders}
    desktop = Desktop(binary, 1, count, kind=kind, **how)
    try:
        if "switchboard" in results:
            # The first delivery to a window learns how its box looks: once in an agent's life.
            desktop.sent_by_us([(window, text) for window, text in zip(desktop.windows, texts(count, 999))])
        for turn in range(args.rounds):
            for number, contender in enumerate(args.contenders):
                made = [f"{contender[:3]}{turn}{text}" for text in texts(args.count, 100 * turn + number)]
                jobs = [(desktop.windows[n % count], text) for n, text in enumerate(made)]
                if contender == "switchboard":
                    spans, claimed, begun = desktop.sent_by_us(jobs)
                else:
                    spans, claimed, begun = desktop.sent_by(peers[contender], jobs)
                result = results[contender]
                intact, wrong, twice = judged(desktop.windows, jobs)
                result.sent, result.intact = result.sent + len(jobs), result.intact + intact
                result.wrong, result.twice = result.wrong + wrong, result.twice + twice
                result.spans += spans
                result.begun += begun
                if claimed is not None:
                    arrived = {text for window, text in jobs if window.receipts().count(text) == 1}
                    result.false += len(claimed - arrived)
                print(f"{name} round {turn + 1} {contender}: {intact} of {len(jobs)} intact, {wrong} astray, {twice} twice, "
                      f"median {quantile(spans, .5):.1f} ms", file=sys.stderr, flush=True)
    finally:
        desktop.close()
    return results


def seats(args, binary):
    """Messages a second on three displays and on one, with windows that take 100 ms for everything."""
    rates = {1: [], 3: []}
    for turn in range(args.rounds):
        for displays, found in rates.items():
            desktop = Desktop(binary, displays, 2, kind="text", react_ms=REACTION)
            try:
                desktop.desk.serve()
                warm = list(zip(desktop.windows, texts(len(desktop.windows), 7)))
                send_many(desktop, warm)
                jobs = [(desktop.windows[n % len(desktop.windows)], text) for n, text in enumerate(texts(24 * displays, turn))]
                messages = send_many(desktop, jobs)
                story = Story([event for event in desktop.desk.events() if event["stream"].partition("/")[2] in messages])
                begun = min(at for m in messages for at in story.times(m, "message.accepted"))
                ended = max(at for m in messages for at in story.times(m, "attempt.observed"))
                found.append(story.count("attempt.observed") / (ended - begun))
                print(f"seats round {turn + 1}: {displays} display(s), {found[-1]:.2f} messages/s", file=sys.stderr, flush=True)
            finally:
                desktop.close()
    return rates


def send_many(desktop, jobs):
    """All accepted first, then only the end is waited for; the messages."""
    messages = {desktop.desk.must("send", "--to", window.agent, "--wait", "accepted", "--", text).object["message"]
                for window, text in jobs}
    desktop.desk.settle(120)
    return messages


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(part) for part in line) + " |" for line in lines) + "\n"


def verdict(value, good):
    return "yes" if good(value) else "**no**"


def goals(found, rates):
    rows = []

    def goal(what, value, told, good):
        rows.append([what, told, verdict(value, good)])

    middle = lambda name, who, part=.5: quantile(found[name][who].spans, part)
    for name in found:
        ours = found[name].get("switchboard")
        if not ours:
            continue
        share = ours.intact / max(1, ours.sent)
        goal(f"{CELLS[name][0]}: all intact and once", share, f"{100 * share:.1f} %", lambda v: v == 1)
        goal(f"{CELLS[name][0]}: no false claim", ours.false, ours.false, lambda v: v == 0)
        median, late = middle(name, "switchboard"), middle(name, "switchboard", .99)
        limits = {"healthy": (20, 60), "stalling": (25, None), "chromium": (120, None)}[name]
        goal(f"{CELLS[name][0]}: median at most {limits[0]} ms", median, f"{median:.1f} ms", lambda v, m=limits[0]: v <= m)
        if limits[1]:
            goal(f"{CELLS[name][0]}: p99 at most {limits[1]} ms", late, f"{late:.1f} ms", lambda v, m=limits[1]: v <= m)
        if name == "healthy" and "pyautogui" in found[name]:
            ratio = middle(name, "pyautogui") / median
            goal("at least 10 times as fast as PyAutoGUI's default", ratio, f"{ratio:.1f}x", lambda v: v >= 10)
        if name == "healthy":
            begun = quantile(ours.begun, .99)
            goal("from accepted to the attempt: p99 at most 10 ms", begun, f"{begun:.1f} ms", lambda v: v <= 10)
    if rates:
        ratio = quantile(rates[3], .5) / quantile(rates[1], .5)
        goal("three displays at least 2.5 times one", ratio, f"{ratio:.2f}x", lambda v: v >= 2.5)
    return rows


PLOT = """set terminal svg size 760,420 font "sans,12"
set output "{out}"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 noborder
set yrange [0:100]
set grid ytics
set key outside bottom horizontal
set ylabel "intact, in the right window, once (%)"
plot {series}
"""


def plot(found, contenders, out):
    lines = [f'"{name}" ' + " ".join(f"{100 * found[name][who].intact / max(1, found[name][who].sent):.1f}" for who in contenders)
             for name in found]
    with tempfile.NamedTemporaryFile("w", suffix=".dat") as data:
        data.write("\n".join(lines) + "\n")
        data.flush()
        series = ", ".join(f'"{data.name}" using {n + 2}:xtic(1) title "{who}"' for n, who in enumerate(contenders))
        subprocess.run(["gnuplot"], input=PLOT.format(out=out, series=series), text=True, check=True)


def main(given):
    args = options(given)
    peers = install(args.contenders)
    binary = find_binary(args.binary)
    found = {name: cell(name, args, binary, peers) for name in CELLS if name in args.only}
    rates = seats(args, binary) if "seats" in args.only and "switchboard" in args.contenders else {}
    machine = subprocess.run(["uname", "-sm"], capture_output=True, text=True).stdout.strip()
    text = ["# Deliveries, side by side\n",
            f"Written by `scripts/bench delivery`: {args.rounds} round(s) of {args.count} messages of some 230 characters for each "
            f"contender, in turn, into the same windows; {os.cpu_count()} cores, {machine}, load {os.getloadavg()[0]:.1f} at the "
            "end. Times are the sender's own: from accepted to seen in the box and gone from it (Switchboard), of the calls (the "
            "others). The first delivery to each window, which learns how its box looks, is left out.\n"]
    for name, results in found.items():
        head = [CELLS[name][0], "intact", "astray", "twice", "false claims", "median ms", "p99 ms"]
        text.append(table(head, [results[who].row(who) for who in args.contenders]))
    if rates:
        rows = [[displays, f"{quantile(rates[displays], .5):.2f}"] for displays in rates]
        text.append(table([f"displays (windows that take {REACTION} ms for each key)", "messages a second"], rows))
    text.append(table(["goal", "measured", "reached"], goals(found, rates)))
    args.out.mkdir(parents=True, exist_ok=True)
    if found:
        plot(found, args.contenders, args.out / "delivery-intact.svg")
        text.append("![intact](delivery-intact.svg)\n")
    report = "\n".join(text)
    (args.out / "delivery.md").write_text(report, encoding="utf-8")
    print(report)
