"""The ledger side by side with what a user would pick instead: appends, reads, opening, memory, disk."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PACKAGES = ["gnuplot-nox", "nats-server", "postgresql", "redis-server"]
STORES = ["limit", "switchboard", "sled-frame", "sled-key", "sqlite", "fjall", "redb", "postgres", "redis", "nats"]
TITLES = {
    "limit": "limit: file + fdatasync", "switchboard": "**Switchboard**", "sled-frame": "sled, value per commit",
    "sled-key": "sled, key per event + index", "sqlite": "SQLite WAL FULL", "fjall": "fjall SyncAll", "redb": "redb",
    "postgres": "PostgreSQL", "redis": "Redis appendfsync always", "nats": "NATS JetStream (not durable)",
}
# (batch, producers)
APPENDS = [(1, 1), (1, 8), (1, 32), (16, 1), (64, 1), (256, 1)]
# What must be reached: (what, cell, peer, ratio).
GOALS = [
    ("32 producers", (1, 32), {"limit": 0.8, "postgres": 4, "redis": 1.7, "nats": 0.9}),
    ("1 producer", (1, 1), {"limit": 0.8, "redis": 1, "postgres": 1, "fjall": 1, "sqlite": 1}),
    ("batch 256", (256, 1), {"limit": 0.7, "postgres": 3, "fjall": 1.5, "sqlite": 1.5, "redb": 1.5}),
]
# How a store is opened: stopped before, killed before, killed and no file in memory.
OPENINGS = ["clean", "killed", "cold"]
# What Switchboard must reach at the large size, at most.
LARGE_GOALS = {"clean": 300, "killed": 1_000, "cold": 1_000, "resident": 64, "disk": 0.45}
# What reading everything, every event decoded, must reach against a peer's bare read.
SCAN_GOALS = {"postgres": 1.4, "nats": 3, "redis": 4}


def options(given):
    parser = argparse.ArgumentParser(prog="bench ledger", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="a cell of appends")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=1_000_000, help="for scan, point reads, open, memory, disk")
    parser.add_argument("--large", type=int, default=10_000_000, help="for Switchboard alone, the same once more")
    parser.add_argument("--stores", default=",".join(STORES))
    parser.add_argument("--only", choices=["appends", "reads", "large"], action="append", help="may be repeated")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--scratch", help="a folder on the disk to be measured (default: beside the build)")
    parser.add_argument("--out", default=str(ROOT / "docs" / "bench"))
    args = parser.parse_args(given)
    if args.quick:
        args.seconds, args.rounds, args.events, args.large = 2, 1, 100_000, 1_000_000
    args.stores = args.stores.split(",")
    args.only = args.only or ["appends", "reads", "large"]
    unknown = [name for name in args.stores if name not in STORES]
    if unknown:
        parser.error(f"unknown store {unknown[0]}; known: {', '.join(STORES)}")
    return args


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def install(packages=PACKAGES):
    """Installs what is missing. No server starts by itself."""
    known = subprocess.run(["dpkg-query", "-W", "-f", "${Package}:${db:Status-Status} ", *packages],
                           capture_output=True, text=True).stdout
    missing = [name for name in packages if f"{name}:installed" not in known]
    if not missing:
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    say("installing", *missing)
    # The servers here are ours, in a scratch folder: the packages' own are not to start.
    policy = pathlib.Path("/usr/sbin/policy-rc.d")
    made = os.geteuid() == 0 and not policy.exists()
    if made:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run([*sudo, "apt-get", "update", "-qq"], check=True)
        subprocess.run([*sudo, "apt-get", "install", "-y", "-qq", *missing], check=True, stdout=sys.stderr)
    finally:
        if made:
            policy.unlink()


def build():
    # With the project's own build, so that nothing but sources lies beside the sources.
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "peers"
    subprocess.run(["cargo", "build", "--release", "--locked", "--target-dir", target], cwd=ROOT / "benches" / "peers",
                   check=True)
    return target / "release" / "peers"


class Server:
    """A peer that is a server, with an empty store of its own; nothing for a library."""

    def __init__(self, name, folder):
        self.name, self.folder, self.process, self.environment = name, folder, None, {}
        starter = getattr(self, f"start_{name}", None)
        if starter:
            starter()

    def run(self, command, **more):
        log = open(self.folder.parent / f"{self.name}.log", "ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, **more)

    def until(self, ready):
        deadline = time.monotonic() + 60
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"bench: {self.name} does not start, see {self.folder.parent}/{self.name}.log")
            time.sleep(0.05)

    def start_postgres(self):
        bin_folder = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        data = self.folder / "data"
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        if not data.exists():
            subprocess.run([*user, bin_folder / "initdb", "-D", data, "-A", "trust", "-U", "bench"], check=True,
                           cwd="/", stdout=subprocess.DEVNULL)
        # Not through runuser: that one kills what does not stop within two seconds, and is not the server itself.
        rights = {"user": "postgres", "group": "postgres", "extra_groups": []} if user else {}
        self.run([bin_folder / "postgres", "-D", data, "-k", self.folder, "-c", "listen_addresses=",
                  "-c", "max_connections=100"], cwd="/", **rights)
        ready = [bin_folder / "pg_isready", "-q", "-h", self.folder, "-U", "bench", "-d", "postgres"]
        self.until(lambda: subprocess.run(ready).returncode == 0)
        self.environment = {"PEERS_POSTGRES": f"host={self.folder} user=bench dbname=postgres"}

    def start_redis(self):
        socket = self.folder / "socket"
        self.run(["redis-server", "--port", "0", "--unixsocket", socket, "--dir", self.folder, "--appendonly", "yes",
                  "--appendfsync", "always", "--save", "", "--daemonize", "no"])
        self.until(lambda: subprocess.run(["redis-cli", "-s", socket, "ping"], capture_output=True,
                                          text=True).stdout.strip() == "PONG")
        self.environment = {"PEERS_REDIS": f"unix://{socket}"}

    def start_nats(self):
        self.run(["nats-server", "-js", "-sd", self.folder, "-a", "127.0.0.1", "-p", "-1",
                  "--ports_file_dir", self.folder])
        ports = []

        def ready():
            ports[:] = list(self.folder.glob("nats-server_*.ports"))
            return bool(ports) and ports[0].stat().st_size > 0
        self.until(ready)
        self.environment = {"PEERS_NATS": json.loads(ports[0].read_text())["nats"][0]}

    def tree(self):
        """The server's process and all below it."""
        if self.process is None:
            return []
        children = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True).stdout.split()
        parents = list(zip(map(int, children[::2]), map(int, children[1::2])))
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents if parent == pid]
        return found

    def resident(self):
        total = 0
        for pid in self.tree():
            try:
                for line in open(f"/proc/{pid}/smaps_rollup", encoding="ascii"):
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
            except OSError:
                pass
        return total

    def stop(self, kill=False):
        if self.process is None:
            return
        for pid in reversed(self.tree()) if kill else [self.process.pid]:
            try:
                os.kill(pid, 9 if kill else 15)
            except ProcessLookupError:
                pass
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process = None


class Bench:
    def __init__(self, args):
        self.args, self.peers = args, build()
        base = args.scratch or self.peers.parent
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-bench-", dir=base))
        self.scratch.chmod(0o755)

    def folder(self, name):
        folder = self.scratch / name
        folder.mkdir(exist_ok=True)
        return folder

    def cell(self, server, store, folder, *arguments):
        command = [self.peers, store, folder, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **server.environment})
        if "--kill" not in arguments and done.returncode != 0:
            raise SystemExit(f"bench: {' '.join(map(str, command))}: {done.stderr.strip()}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def appends(self):
        results = {}
        for number in range(self.args.rounds):
            for batch, producers in APPENDS:
                for store in self.args.stores:
                    folder = self.folder("cell")
                    server = Server(store, folder)
                    try:
                        got = self.cell(server, store, folder, "append", "--batch", batch, "--producers", producers,
                                        "--seconds", self.args.seconds, "--seed", number + 1)
                    finally:
                        server.stop()
                        shutil.rmtree(folder)
                    results.setdefault((batch, producers), {}).setdefault(store, []).append(got)
                    say(f"round {number + 1}  batch {batch:3} x {producers:2}  {store:12} {got['per_second']:10.0f}/s"
                        f"  p50 {got['p50_us']} us  p99 {got['p99_us']} us")
        return results

    def filled(self, store, events, servers):
        """Fills one store, and opens it again and again."""
        folder, got = self.folder(f"cell-{store}"), {}
        server = servers.setdefault(store, Server(store, folder))
        got["fill"] = self.cell(server, store, folder, "fill", "--events", events)
        # What is put off (closing epochs, compaction) is done once it was open for a while.
        settled = self.cell(server, store, folder, "open")
        all_of_it = self.cell(server, store, folder, "scan", "--encoded")
        got["raw"], got["encoded"] = all_of_it["bytes"], all_of_it["encoded"]
        got["disk"] = settled["disk"] or size(folder)
        for _ in range(self.args.rounds):
            for how in OPENINGS:
                self.restarted(server, store, folder, got, how)
        say(f"reads {events:,}  {store:12} disk {got['disk'] / got['raw']:.2f}x  "
            + ", ".join(f"open {how} {middle(got[how], 'open_ms'):.0f} ms" for how in OPENINGS if how in got))
        return got

    def reads(self, events, stores):
        results, servers = {}, {}
        try:
            for store in stores:
                try:
                    results[store] = self.filled(store, events, servers)
                except SystemExit as trouble:
                    # A peer that does not come back leaves its own row out, and says so.
                    say(f"bench: {store} is left out of the reading: {trouble}")
            for number in range(self.args.rounds):
                for store, got in results.items():
                    scan = self.cell(servers[store], store, self.folder(f"cell-{store}"), "scan")
                    got.setdefault("scan", []).append(scan)
                    say(f"round {number + 1}  scan  {store:12} {scan['events'] / scan['seconds'] / 1e6:.2f} M/s")
            for store, got in results.items():
                folder, server = self.folder(f"cell-{store}"), servers[store]
                if store not in ("limit", "sled-frame", "redis"):
                    reads = 2_000 if store == "nats" else 20_000
                    got["point"] = self.cell(server, store, folder, "point", "--events", events, "--reads", reads)
                got["server"] = server.resident()
        finally:
            for store, server in servers.items():
                server.stop()
                shutil.rmtree(self.folder(f"cell-{store}"))
        return results

    def restarted(self, server, store, folder, got, how):
        """Opening after a clean stop, after a kill, and after a kill with no file in memory (which needs root). A
        server's opening is its start."""
        if how == "cold" and (os.geteuid() != 0 or server.process is not None):
            return
        if server.process is None:
            kill = [] if how == "clean" else ["--kill"]
            # Events that only the journal has, so that a kill has something to cost.
            self.cell(server, store, folder, "append", "--seconds", 0.3, "--seed", time.monotonic_ns() % 2**62)
            self.cell(server, store, folder, "open", *kill)
            if how == "cold":
                os.sync()
                pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")
            got.setdefault(how, []).append(self.cell(server, store, folder, "open"))
            return
        server.stop(kill=how == "killed")
        for stale in [*folder.glob("data/postmaster.pid"), *folder.glob("*.ports")]:
            stale.unlink()
        begun = time.monotonic()
        getattr(server, f"start_{store}")()
        took = (time.monotonic() - begun) * 1000
        time.sleep(2)
        got.setdefault(how, []).append({"open_ms": took, "resident": server.resident()})


def size(folder):
    return int(subprocess.run(["du", "-s", "--block-size=1", folder], capture_output=True, text=True,
                              check=True).stdout.split()[0])


def middle(cells, name):
    return statistics.median(cell[name] for cell in cells)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def appends_report(results, stores):
    head = ["durable, acknowledged events/s"] + [f"batch {b}" if b > 1 else f"{p} producer{'s' * (p > 1)}" for b, p in APPENDS]
    rates = {cell: {store: middle(got, "per_second") for store, got in of.items()} for cell, of in results.items()}
    text = "## Appends\n\n" + table(head, [[TITLES[store]] + [number(rates[cell][store]) for cell in APPENDS]
                                          for store in stores])
    head[0] = "one append: p50 / p99 in µs"
    text += "\n" + table(head, [[TITLES[store]] + [f"{number(middle(results[cell][store], 'p50_us'))} / "
                                                   f"{number(middle(results[cell][store], 'p99_us'))}" for cell in APPENDS]
                                for store in stores])
    rows = []
    for what, cell, goals in GOALS:
        for peer, goal in goals.items():
            if peer not in stores or "switchboard" not in stores:
                continue
            # The ratio of each round, so that what slows a whole round cancels out.
            pairs = zip(results[cell]["switchboard"], results[cell][peer])
            ratio = statistics.median(ours["per_second"] / theirs["per_second"] for ours, theirs in pairs)
            rows.append([what, TITLES[peer], f"{ratio:.2f}x", f"{goal}x", "yes" if ratio >= goal else "**no**"])
    return text + "\n" + table(["Switchboard, ratio", "to", "measured", "to reach", "reached"], rows)


def reads_report(results, events):
    rows = []
    for store, got in results.items():
        scans = [cell["events"] / cell["seconds"] for cell in got["scan"]]
        point = got.get("point")
        rows.append([
            TITLES[store], number(middle(got["clean"], "open_ms")), number(middle(got["killed"], "open_ms")),
            number(middle(got["clean"], "resident") / 2**20), number(max(c["resident"] for c in got["scan"]) / 2**20),
            f"{statistics.median(scans) / 1e6:.2f} M/s",
            f"{number(point['p50_us'])} / {number(point['p99_us'])}" if point else "–",
            f"{got['disk'] / got['raw']:.2f}x", number(got["disk"] / got["fill"]["events"]), number(got["fill"]["seconds"]),
        ])
    head = ["store", "open, clean, ms", "open, killed, ms", "resident after open, MiB", "client after a scan, MiB", "scan",
            "point read p50 / p99, µs", "disk, of stream + version + body", "bytes an event", "fill, s"]
    text = f"## Reading, {events:,} events\n\n" + table(head, rows)
    ratios = []
    for peer, goal in SCAN_GOALS.items():
        if peer not in results or "switchboard" not in results:
            continue
        pairs = zip(results["switchboard"]["scan"], results[peer]["scan"])
        ratio = statistics.median(a["events"] / a["seconds"] / (b["events"] / b["seconds"]) for a, b in pairs)
        ratios.append([TITLES[peer], f"{ratio:.2f}x", f"{goal}x", "yes" if ratio >= goal else "**no**"])
    if not ratios:
        return text
    return text + "\n" + table(["scan, Switchboard decoded, to a bare read of", "measured", "to reach", "reached"], ratios)


def large_report(got):
    """What is promised of a large ledger, against what was measured."""
    measured = [(f"open, {how}, ms", middle(got[how], "open_ms"), LARGE_GOALS[how]) for how in OPENINGS if how in got]
    resident = max(cell["resident"] for how in OPENINGS for cell in got.get(how, [])) / 2**20
    measured += [("resident after open, MiB, the worst of all", resident, LARGE_GOALS["resident"]),
                 ("disk, of the encoded events", got["disk"] / got["encoded"], LARGE_GOALS["disk"])]
    rows = [[what, number(value), f"≤ {goal:,}", "yes" if value <= goal else "**no**"] for what, value, goal in measured]
    note = (f"\nAn encoded event is its record in the journal, with ids, times, cause and hash: "
            f"{got['encoded'] / got['fill']['events']:.0f} bytes. \"Cold\": no file in memory.\n")
    return table(["Switchboard, promised", "measured", "to reach", "reached"], rows) + note


PLOT = """set terminal svg size 760,420 font "sans,12"
set output "{out}"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 noborder
set logscale y
set grid ytics
set key top left
set ylabel "durable events per second"
set xtics rotate by -30
plot {series}
"""


def plot(results, stores, out):
    cells = [(1, 1), (1, 32), (256, 1)]
    titles = ["1 producer", "32 producers", "batch 256"]
    lines = [f'"{store}" ' + " ".join(f"{middle(results[cell][store], 'per_second'):.0f}" for cell in cells)
             for store in stores]
    with tempfile.NamedTemporaryFile("w", suffix=".dat") as data:
        data.write("\n".join(lines) + "\n")
        data.flush()
        series = ", ".join(f'"{data.name}" using {n + 2}:xtic(1) title "{title}"' for n, title in enumerate(titles))
        subprocess.run(["gnuplot"], input=PLOT.format(out=out, series=series), text=True, check=True)


def main(given):
    args = options(given)
    install()
    bench = Bench(args)
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    cpus = os.cpu_count()
    release = subprocess.run(["uname", "-sm"], capture_output=True, text=True).stdout.strip()
    text = ["# The ledger, side by side\n",
            f"Written by `scripts/bench ledger`: {args.rounds} round(s) of {args.seconds:g} s a cell, contenders in turn; "
            f"{cpus} cores, {release}. The result is the ratio, not the figure. Events have about 300 bytes of body, six to "
            "a stream.\n"]
    def keep(*more):
        # Each part at once: what broke off later takes nothing with it.
        text.extend(more)
        (out / "ledger.md").write_text("\n".join(text), encoding="utf-8")

    try:
        if "appends" in args.only:
            results = bench.appends()
            plot(results, args.stores, out / "ledger-appends.svg")
            keep(appends_report(results, args.stores), "![appends](ledger-appends.svg)\n")
        if "reads" in args.only:
            keep(reads_report(bench.reads(args.events, args.stores), args.events))
        if "large" in args.only and "switchboard" in args.stores:
            large = bench.reads(args.large, ["switchboard"])
            keep(reads_report(large, args.large), large_report(large["switchboard"]))
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    print("\n".join(text))

