"""Backups side by side with what a user would take instead: restic and borg on a naive store of the same
events, `tar | zstd -T2` of that store's folder, SQLite's `VACUUM INTO`. `scripts/bench backup` runs it."""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from benchmarks.ledger import build, install

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PACKAGES = ["age", "borgbackup", "gnuplot-nox", "restic", "sqlite3", "zstd"]
MORE = 10_000
STEPS = ["full", "incremental", "verify", "restore"]
TITLES = {
    "switchboard": "**Switchboard**", "encrypted": "**Switchboard**, encrypted", "restic": "restic (encrypts always)",
    "borg": "borg, not encrypted", "tar": "tar \\| zstd -T2", "sqlite": "SQLite VACUUM INTO",
}
# (what, step or size, peer, at least this many times as fast, or at most this part of the size)
FASTER = [("full", "restic", 5), ("full", "borg", 5), ("full", "tar", 2), ("verify", "restic", 2), ("restore", "restic", 2)]
SMALLER = [("restic", 0.7), ("borg", 0.7)]


def options(given):
    parser = argparse.ArgumentParser(prog="bench backup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000, help="events for the restore to an instant; 0: none")
    parser.add_argument("--seconds", type=float, default=4, help="a window of appends beside a full backup")
    parser.add_argument("--quick", action="store_true", help="100 k events, 1 round: a look, not a result")
    parser.add_argument("--scratch", help="a folder on the disk to be measured (default: beside the build)")
    parser.add_argument("--out", default=str(ROOT / "docs" / "bench"))
    return parser.parse_args(given)


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def size(folder):
    command = ["du", "-s", "--apparent-size", "--block-size=1", folder]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0])


def timed(command, **more):
    """Runs it; seconds, and the memory of the largest process in it, in bytes."""
    log = tempfile.TemporaryFile()
    begun = time.monotonic()
    child = subprocess.Popen(command, stdout=log, stderr=log, **more)
    _, status, usage = os.wait4(child.pid, 0)
    took = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        log.seek(0)
        raise SystemExit(f"bench: {command}: {log.read().decode(errors='replace')[-2000:]}")
    return took, usage.ru_maxrss * 1024


class Run:
    def __init__(self, args, peers):
        self.args, self.peers = args, peers
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
        self.binary = target / "release" / "switchboard"
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="switchboard-bench-", dir=args.scratch or target))
        self.environment = {**os.environ, "RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": str(self.scratch / "cache"),
                            "BORG_BASE_DIR": str(self.scratch / "borg-base"), "XDG_CONFIG_HOME": str(self.scratch)}
        self.key = self.scratch / "key.txt"
        subprocess.run(["age-keygen", "-o", self.key], check=True, capture_output=True)
        public = subprocess.run(["age-keygen", "-y", self.key], check=True, capture_output=True, text=True)
        self.public = public.stdout.strip()

    def peer(self, store, *arguments):
        command = [self.peers, store, self.scratch / store, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: {command}: {done.stderr.strip()}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def fill(self, events, seed):
        for store in ("switchboard", "sled-key", "sqlite"):
            self.peer(store, "fill", "--events", events, "--seed", seed)
        # What is put off (closing epochs) is done once it was open for a while.
        self.peer("switchboard", "open")

    def ours(self, *arguments, store=None):
        store = store or self.scratch / "switchboard" / "store"
        return timed([self.binary, "--quiet", "--store", store, *arguments], env=self.environment, cwd=self.scratch)

    @contextlib.contextmanager
    def desk(self):
        """The desk serves meanwhile, as it does all day: backups go through it."""
        store = self.scratch / "switchboard" / "store"
        command = [self.binary, "--quiet", "--store", store, "serve", "--desktop", "none", "--listen", "127.0.0.1:0"]
        served = subprocess.Popen(command, env=self.environment, cwd=self.scratch, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            status = [self.binary, "--json", "--store", store, "status"]
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                done = subprocess.run(status, capture_output=True, text=True, env=self.environment, cwd=self.scratch)
                if done.returncode == 0 and '"daemon":true' in done.stdout.replace(" ", ""):
                    break
                time.sleep(0.1)
            yield
        finally:
            served.terminate()
            served.wait(30)

    def commands(self, repo, out):
        """What each contender does for each step."""
        naive, lite = self.scratch / "sled-key", self.scratch / "sqlite" / "events.sqlite"
        opened, shell = ["--identity", self.key], lambda text: (lambda: timed(["bash", "-c", f"set -eo pipefail; {text}"]))
        restic = lambda *words: lambda: timed(["restic", "-q", "-r", repo / "restic", *words], env=self.environment)
        borg = lambda *words, **more: lambda: timed(["borg", *words], env=self.environment, **more)
        backup = lambda name, kind, *more: lambda: self.ours("backup", kind, "--repo", repo / name, *more)
        restore = lambda name, *more: lambda: self.ours("restore", "--repo", repo / name, "--target", out / name, "--latest",
                                                        *more)
        place = repo / "borg"
        return {
            "switchboard": {"full": backup("switchboard", "full"), "incremental": backup("switchboard", "incremental"),
                            "verify": backup("switchboard", "verify"), "restore": restore("switchboard")},
            "encrypted": {"full": backup("encrypted", "full", "--encrypt-to", self.public),
                          "incremental": backup("encrypted", "incremental", *opened),
                          "verify": backup("encrypted", "verify", *opened), "restore": restore("encrypted", *opened)},
            "restic": {"prepare": restic("init"), "full": restic("backup", naive), "incremental": restic("backup", naive),
                       "verify": restic("check", "--read-data"), "restore": restic("restore", "latest", "--target", out / "r")},
            "borg": {"prepare": borg("init", "-e", "none", place), "full": borg("create", f"{place}::one", naive),
                     "incremental": borg("create", f"{place}::two", naive),
                     "verify": borg("check", "--verify-data", place),
                     "restore": borg("extract", f"{place}::two", cwd=out)},
            "tar": {"full": shell(f"tar -C {naive} -c . | zstd -T2 -q -o {repo}/tar.zst; sync {repo}/tar.zst"),
                    "verify": shell(f"zstd -tq {repo}/tar.zst"),
                    "restore": shell(f"mkdir {out}/tar; zstd -dcq {repo}/tar.zst | tar -x -C {out}/tar")},
            "sqlite": {"full": shell(f"sqlite3 {lite} \"VACUUM INTO '{repo}/copy.sqlite'\"; sync {repo}/copy.sqlite"),
                       "verify": shell(f"sqlite3 {repo}/copy.sqlite 'PRAGMA integrity_check' | grep -qx ok"),
                       "restore": shell(f"cp {repo}/copy.sqlite {out}/copy.sqlite")},
        }

    def rounds(self):
        results = {name: {} for name in TITLES}
        for number in range(self.args.rounds):
            repo, out = self.scratch / f"repo-{number}", self.scratch / "out"
            repo.mkdir()
            out.mkdir()
            each = self.commands(repo, out)
            for name, steps in each.items():
                if "prepare" in steps:
                    steps["prepare"]()
            for step in STEPS:
                if step == "incremental":
                    self.fill_more(number)
                for name, steps in each.items():
                    if step not in steps:
                        continue
                    ours = name in ("switchboard", "encrypted")
                    with self.desk() if step == "incremental" and ours else contextlib.nullcontext():
                        seconds, memory = steps[step]()
                    got = results[name].setdefault(step, [])
                    got.append({"seconds": seconds, "memory": memory})
                    if step == "full":
                        kept = {"tar": repo / "tar.zst", "sqlite": repo / "copy.sqlite"}.get(name, repo / name)
                        results[name].setdefault("size", []).append(size(kept))
                    say(f"round {number + 1}  {step:11}  {name:12} {seconds:7.2f} s  {memory / 2**20:5.0f} MiB")
            shutil.rmtree(repo)
            shutil.rmtree(out)
        return results

    def fill_more(self, number):
        for store in ("switchboard", "sled-key", "sqlite"):
            if store == "sqlite":
                continue
            # Appended by seconds elsewhere; here by count, of streams nobody had before.
            self.peer(store, "fill", "--events", MORE, "--seed", 1000 + number)

    def beside(self):
        return self.peer("switchboard", "beside", "--seconds", self.args.seconds, "--rounds", max(self.args.rounds, 1) * 2 + 1)

    def large(self):
        """Restoring to an instant, and copying what must be copied: the repository's bytes read, the store's
        written."""
        folder = self.scratch / "switchboard"
        shutil.rmtree(folder)
        self.peer("switchboard", "fill", "--events", self.args.large)
        repo, target = self.scratch / "large", self.scratch / "large-out"
        self.ours("backup", "full", "--repo", repo)
        listed = subprocess.run([self.binary, "--json", "backup", "ranges", "--repo", repo], capture_output=True, text=True,
                                check=True, env=self.environment, cwd=self.scratch)
        at = json.loads(listed.stdout.splitlines()[-1])["last_at"]
        pairs = []
        for number in range(max(self.args.rounds, 1)):
            seconds, memory = self.ours("restore", "--repo", repo, "--target", target, "--at", at)
            copied, _ = timed(["bash", "-c", f"cat {repo}/segments/* > /dev/null; cp -r {target} {target}-copy; "
                               f"find {target}-copy -type f -exec sync {{}} +"])
            pairs.append({"restore": seconds, "copy": copied, "memory": memory})
            say(f"round {number + 1}  restore at {self.args.large:,}  {seconds:.1f} s, copying {copied:.1f} s")
            shutil.rmtree(target)
            shutil.rmtree(f"{target}-copy")
        return pairs


def middle(cells, name):
    return statistics.median(cell[name] for cell in cells)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def reached(yes):
    return "yes" if yes else "**no**"


def report(results, beside, large, args):
    rows = []
    for name, got in results.items():
        row = [TITLES[name]] + [f"{middle(got[step], 'seconds'):.2f}" if step in got else "–" for step in STEPS]
        memory = max(max(cell["memory"] for cell in got[step]) for step in STEPS if step in got)
        rows.append(row + [f"{statistics.median(got['size']) / 2**20:.0f}", f"{memory / 2**20:.0f}"])
    head = ["seconds"] + [step if step != "incremental" else f"+{MORE:,} incremental" for step in STEPS]
    text = table(head + ["size of the full, MiB", "memory at most, MiB"], rows)
    rows = []
    for who in ("switchboard", "encrypted"):
        for step, peer, goal in FASTER:
            pairs = zip(results[peer][step], results[who][step])
            ratio = statistics.median(theirs["seconds"] / ours["seconds"] for theirs, ours in pairs)
            rows.append([f"{TITLES[who]}: {step}", TITLES[peer], f"{ratio:.1f}x as fast", f"{goal}x", reached(ratio >= goal)])
        for peer, goal in SMALLER:
            ratio = statistics.median(results[who]["size"]) / statistics.median(results[peer]["size"])
            rows.append([f"{TITLES[who]}: size", TITLES[peer], f"{ratio:.2f}x", f"{goal}x at most", reached(ratio <= goal)])
        more = middle(results[who]["incremental"], "seconds") * 1000
        rows.append([f"{TITLES[who]}: +{MORE:,} incremental", "–", f"{more:.0f} ms", "50 ms", reached(more <= 50)])
    if beside:
        ratio = statistics.median(pair["beside"] / pair["alone"] for pair in beside["pairs"])
        rows.append([f"appends of {beside['producers']} producers while full backups run", "without", f"{ratio:.2f}x", "0.9x",
                     reached(ratio >= 0.9)])
    if large:
        ratio = statistics.median(pair["restore"] / pair["copy"] for pair in large)
        took = middle(large, "restore")
        rows.append([f"restore to an instant, {args.large:,} events ({took:.1f} s)", "copying the bytes", f"{ratio:.2f}x",
                     "1.3x at most", reached(ratio <= 1.3)])
    return text + "\n" + table(["what", "to", "measured", "to reach", "reached"], rows)


PLOT = """set terminal svg size 760,420 font "sans,12"
set output "{out}"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 noborder
set logscale y
set grid ytics
set key top left
set ylabel "seconds"
plot {series}
"""


def plot(results, out):
    names = list(results)
    lines = []
    for step in STEPS:
        cells = [f"{middle(results[name][step], 'seconds'):.3f}" if step in results[name] else "?" for name in names]
        lines.append(f'"{step}" ' + " ".join(cells))
    with tempfile.NamedTemporaryFile("w", suffix=".dat") as data:
        data.write("\n".join(lines) + "\n")
        data.flush()
        title = lambda name: TITLES[name].replace("*", "").replace("\\", "")
        series = ", ".join(f'"{data.name}" using {n + 2}:xtic(1) title "{title(name)}"' for n, name in enumerate(names))
        subprocess.run(["gnuplot"], input=PLOT.format(out=out, series=series), text=True, check=True)


def main(given):
    args = options(given)
    if args.quick:
        args.events, args.rounds, args.large, args.seconds = 100_000, 1, min(args.large, 1_000_000), 1
    install(PACKAGES)
    bench = Run(args, build())
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        say(f"filling three stores with {args.events:,} events each")
        bench.fill(args.events, 1)
        results = bench.rounds()
        beside = bench.beside()
        large = bench.large() if args.large else []
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    kernel = subprocess.run(["uname", "-sm"], capture_output=True, text=True).stdout.strip()
    text = (f"# Backups, side by side\n\nWritten by `scripts/bench backup`: {args.events:,} events of about 300 bytes, six to a "
            f"stream; {args.rounds} round(s), contenders in turn, medians; {os.cpu_count()} cores, {kernel}. The result is the "
            "ratio, not the figure. restic, borg and tar copy a sled store with a key per event of the same events; each "
            "program's start and the canonical state hash are in our times, and the opening of the ledger, but for the incremental "
            "ones: a desk serves then, as it does all day, and they go through it.\n\n"
            f"{report(results, beside, large, args)}\n![backups](backup.svg)\n")
    plot(results, out / "backup.svg")
    (out / "backup.md").write_text(text, encoding="utf-8")
    print(text)
