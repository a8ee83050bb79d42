"""scripts/bench api: what answering over HTTP costs, with many messages in the ledger.

The load comes from h2load (HTTP/1.1), the limit is axum serving the same bytes from memory (benches/bytes), in turn
with the desk. Paced: 1,000 requests a second over ten connections, every latency counted. Flat out: as fast as
ten connections go. Afterwards, how long an event takes from being recorded to a client that follows, and
to an answer that waits for it. Writes docs/bench/api.md.
"""

import argparse
import asyncio
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PACKAGES = ["nghttp2-client"]
AGENTS = 50
BASE = "/api/v1/messaging"
# A second; far more than any Prometheus asks for.
SCRAPES = 50
# What is promised.
P99_MAX_MS, AGENTS_MIN, RATIO_MIN = 5, 10_000, 0.5
FOLLOWERS_MAX_MS, PROJECTED_MAX_MS = 50, 10


def options(words):
    parser = argparse.ArgumentParser(prog="scripts/bench api", description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=10, help="a cell")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=100, help="that follow events")
    parser.add_argument("--port", type=int, default=7790, help="this one and the next")
    parser.add_argument("--binary", default=str(ROOT / "target" / "release" / "switchboard"))
    parser.add_argument("--quick", action="store_true", help="2 s a cell, 1 round, 5,000 messages: a look, not a result")
    parser.add_argument("--out", default=str(ROOT / "docs" / "bench"))
    args = parser.parse_args(words)
    if args.quick:
        args.messages, args.seconds, args.rounds = 5_000, 2, 1
    return args


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def install():
    if shutil.which("h2load"):
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    say("installing", *PACKAGES)
    subprocess.run([*sudo, "env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-q", *PACKAGES],
                   check=True, stdout=subprocess.DEVNULL)


class Desk:
    """A daemon over a ledger of its own."""

    def __init__(self, args, scratch):
        self.args, self.store = args, scratch / "store"
        self.run("init")
        line = [args.binary, "--json", "--store", str(self.store), "serve", "--desktop", "none",
                "--listen", f"127.0.0.1:{args.port}"]
        self.daemon = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
        self.http = json.loads(self.daemon.stdout.readline())["http"]

    def run(self, *line):
        whole = [self.args.binary, "--json", "--store", str(self.store), *line]
        done = subprocess.run(whole, stdout=subprocess.PIPE, text=True, check=True)
        return [json.loads(item) for item in done.stdout.splitlines()]

    def get(self, target):
        with urllib.request.urlopen(self.http + target) as reply:
            return reply.read(), reply.headers

    def fill(self, messages):
        """Broadcasts of which most expire at once: the queue is as long as a busy one, the ledger as a used one."""
        for number in range(AGENTS):
            self.run("agent", "add", f"agent-{number:02}", "--channel", "inbox")
            self.run("pause", f"agent-{number:02}")
        text = "x" * 200
        rounds = max(1, messages // AGENTS)
        for number in range(rounds):
            ttl = ["--ttl", "1s"] if number < rounds - 10 else []
            subprocess.run([self.args.binary, "--json", "--store", str(self.store), "broadcast", "--all",
                            "--wait", "accepted", *ttl, f"{number} {text}"], stdout=subprocess.DEVNULL, check=True)
            if number % 200 == 0:
                say(f"  {number * AGENTS} of {messages} messages")
        before = -1
        while before != (before := self.get("/livez")[1]["Ledger-Position"]):
            time.sleep(2)

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait()


class Limit:
    """axum, serving the same bytes from memory: benches/bytes."""

    def __init__(self, args, scratch):
        target = ROOT / "target" / "bytes"
        subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", target],
                       cwd=ROOT / "benches" / "bytes", check=True)
        self.program, self.folder, self.server = target / "release" / "bytes-from-memory", scratch / "bytes", None
        self.address = f"127.0.0.1:{args.port + 1}"
        self.http = f"http://{self.address}"
        self.folder.mkdir()

    def put(self, name, body):
        (self.folder / name).write_bytes(body)
        return "/" + name

    def start(self):
        self.server = subprocess.Popen([self.program, self.address, self.folder], stdout=subprocess.PIPE, text=True)
        if self.server.stdout.readline().strip() != "ready":
            raise RuntimeError("the limit does not serve")

    def stop(self):
        if self.server:
            self.server.terminate()
            self.server.wait()


def load(http, target, seconds, rate, scratch):
    """Latencies in milliseconds, and answers per second."""
    log = scratch / "h2load.log"
    log.unlink(missing_ok=True)
    line = ["h2load", "--h1", "-c", "10", "-t", "1", "-D", str(seconds), f"--log-file={log}"]
    if rate:
        line += [f"--rps={rate / 10:g}"]
    done = subprocess.run([*line, http + target], capture_output=True, text=True, check=True).stdout
    failed = re.search(r"(\d+) failed, (\d+) errored", done)
    if failed and any(int(count) for count in failed.groups()):
        say("  not all were answered:", failed.group(0))
    took, statuses = [], {}
    for row in log.read_text().splitlines():
        _, status, micros = row.split("\t")[:3]
        statuses[status] = statuses.get(status, 0) + 1
        took.append(int(micros) / 1000)
    if set(statuses) - {"200"}:
        say("  answers:", statuses)
    took.sort()
    return {"p50": took[len(took) // 2], "p99": took[len(took) * 99 // 100], "per_second": len(took) / seconds}


async def follow(port, ready, heard):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/v1/events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"retry")
    ready.release()
    try:
        while True:
            line = await reader.readline()
            if not line:
                return
            if line.startswith(b"data: "):
                now = time.time()
                at = json.loads(line[6:])["recorded_at"]
                heard.append((now - datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()) * 1000)
    finally:
        writer.close()


async def tail(desk, args, events=100):
    ready, heard = asyncio.Semaphore(0), []
    followers = [asyncio.create_task(follow(args.port, ready, heard)) for _ in range(args.clients)]
    for _ in followers:
        await ready.acquire()
    for number in range(events):
        line = ["append", "--stream", f"note/tail-{number}", "--kind", "note.x", "--data", "1"]
        await asyncio.to_thread(desk.run, *line)
        await asyncio.sleep(0.02)
    while len(heard) < events * args.clients:
        await asyncio.sleep(0.05)
    for follower in followers:
        follower.cancel()
    heard.sort()
    return heard


def projected(desk, rounds=50):
    """From an event's instant to an answer of the projections that holds it."""
    took = []

    def wait(position):
        desk.get(f"{BASE}/queue?limit=1&after_position={position}&wait_ms=10000")
        return time.time()

    async def once(number):
        position = int(desk.get("/livez")[1]["Ledger-Position"]) + 1
        waiting = asyncio.create_task(asyncio.to_thread(wait, position))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(desk.run, "append", "--stream", f"note/p-{number}", "--kind", "note.x", "--data", "1")
        event = json.loads(desk.get(f"/api/v1/events?from={position}&limit=1")[0])["items"][0]
        at = datetime.datetime.fromisoformat(event["recorded_at"].replace("Z", "+00:00")).timestamp()
        took.append((await waiting - at) * 1000)

    for number in range(rounds):
        asyncio.run(once(number))
    return sorted(took)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def middle(cells, key):
    return statistics.median(cell[key] for cell in cells)


def misses(name, paced, flat, ratio, steady):
    """Which of the promises (p99 at 1,000 a second, answers a second, ratio to the limit) this target breaks."""
    if not steady:
        return
    if (p99 := middle(paced, "p99")) > P99_MAX_MS:
        yield f"{name}: p99 {p99:.2f} ms at 1,000 a second, at most {P99_MAX_MS} wanted"
    if name.startswith("agents") and (most := middle(flat, "per_second")) < AGENTS_MIN:
        yield f"{name}: {most:,.0f} a second, {AGENTS_MIN:,} wanted"
    if ratio < RATIO_MIN:
        yield f"{name}: {ratio:.2f}x of the limit, {RATIO_MIN} wanted"


def measure(desk, limit, args, scratch):
    message = json.loads(desk.get(f"{BASE}/messages?limit=1&state=expired")[0])["items"][0]["message"]
    targets = {
        "agents (50)": (f"{BASE}/agents", True), "queue, a page of 50": (f"{BASE}/queue", True),
        "one message's timeline": (f"{BASE}/messages/{message}/timeline", True),
        "a page of 50 messages": (f"{BASE}/messages", True), f"/metrics, never kept, {SCRAPES}/s": ("/metrics", False),
    }
    rows, missed = [], []
    bodies = {name: desk.get(target)[0] for name, (target, _) in targets.items()}
    files = {name: limit.put(re.sub(r"\W", "", name), body) for name, body in bodies.items()}
    limit.start()
    for name, (target, steady) in targets.items():
        body, file = bodies[name], files[name]
        paced, flat, most = [], [], []
        for _ in range(args.rounds):
            paced.append(load(desk.http, target, args.seconds, 1000 if steady else SCRAPES, scratch))
            if steady:
                flat.append(load(desk.http, target, args.seconds, 0, scratch))
                most.append(load(limit.http, file, args.seconds, 0, scratch))
        ratio = statistics.median(a["per_second"] / b["per_second"] for a, b in zip(flat, most)) if steady else None
        missed += misses(name, paced, flat, ratio, steady)
        rows.append([name, f"{len(body) / 1000:.1f} kB", f"{middle(paced, 'p50'):.2f} / {middle(paced, 'p99'):.2f}",
                     f"{middle(flat, 'per_second'):,.0f}" if steady else "–",
                     f"{middle(most, 'per_second'):,.0f}" if steady else "–", f"{ratio:.2f}x" if steady else ""])
        say(" ", rows[-1])
    for line in missed:
        say("  MISSED", line)
    head = ["asked for", "body", "1,000/s: p50 / p99, ms", "most per second", "axum, same bytes", "ratio"]
    return table(head, rows)


def main(words):
    args = options(words)
    install()
    if not pathlib.Path(args.binary).exists():
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-bench-"))
    desk = limit = None
    try:
        desk, limit = Desk(args, scratch), Limit(args, scratch)
        say(f"filling {args.messages} messages")
        desk.fill(args.messages)
        head = int(desk.get("/livez")[1]["Ledger-Position"])
        text = [f"# The API under load\n\nWritten by `scripts/bench api`: {args.rounds} round(s) of {args.seconds:g} s a cell, "
                f"{os.cpu_count()} cores that the load generator shares, {args.messages:,} messages ({head:,} events) in the "
                f"ledger.\n", measure(desk, limit, args, scratch)]
        heard = asyncio.run(tail(desk, args))
        took = projected(desk)
        text.append(table(["from the event's instant (the sync included)", "p50, ms", "p99, ms"], [
            [f"to {args.clients} clients that follow", f"{heard[len(heard) // 2]:.1f}", f"{heard[len(heard) * 99 // 100]:.1f}"],
            ["to an answer that waits for it", f"{took[len(took) // 2]:.1f}", f"{took[len(took) * 99 // 100]:.1f}"],
        ]))
        for what, all_took, most in (("an event to clients that follow", heard, FOLLOWERS_MAX_MS),
                                     ("an event to an answer", took, PROJECTED_MAX_MS)):
            if (p99 := all_took[len(all_took) * 99 // 100]) > most:
                say(f"  MISSED {what}: p99 {p99:.1f} ms, at most {most} wanted")
        page = len(desk.get("/")[0]) + len(desk.get("/assets/style.css")[0]) + len(desk.get("/assets/live.js")[0])
        text.append(f"The start page with everything it needs: {page / 1000:.1f} kB.\n")
    finally:
        for one in (limit, desk):
            if one:
                one.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    report = "\n".join(text)
    print(report)
    if not args.quick:
        out = pathlib.Path(args.out)
        out.mkdir(parents=True, exist_ok=True)
        (out / "api.md").write_text(report, encoding="utf-8")
