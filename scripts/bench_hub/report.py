"""Turns the results of scripts/bench-hub into docs/performance.md: nothing in it is typed by hand."""
import os, platform, statistics, subprocess, time
from pathlib import Path

# What a full server does that actix_queue (a bare broadcast loop) does not.
FULL_PEERS = ["socketioxide", "ws", "nats", "nchan", "socketio"]
BASE = "actix_queue"
NAMES = {"hub_latest": "**RiderHub**, `bench:latest`", "hub_log": "**RiderHub**, `bench:log` (committed)",
         "hub": "**RiderHub**"}
SHAPES = {
    "trifix": ("300 rooms of three, 18,000 deliveries a second",
               "Each of the 900 members publishes ten messages of 200 bytes a second; for `bench:log` that is 9,000 "
               "journal commits a second, and the publisher gets its own entry too."),
    "room": ("One room of 1,000, 100,000 deliveries a second", "One publisher, 100 messages a second."),
    "tri": ("300 rooms of three, the highest rate", "With nothing lost and p99 below 50 ms."),
}


def first_line(*cmd):
    try:
        out = subprocess.run(cmd, capture_output=True, text=True, check=True).stdout
        return out.splitlines()[0] if out else ""
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine(repo):
    info = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if ":" in line:
            key, value = (it.strip() for it in line.split(":", 1))
            info.setdefault(key, value)
    memory = next(int(it.split()[1]) for it in Path("/proc/meminfo").read_text().splitlines() if it.startswith("MemTotal"))
    git = lambda *args: first_line("git", "-C", str(repo), *args)
    changed = first_line("git", "-C", str(repo), "status", "--porcelain", "--untracked-files=no")
    return {"at": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "commit": git("rev-parse", "--short=10", "HEAD"),
            "dirty": bool(changed), "cpu": info.get("model name", "?"), "cores": os.cpu_count(),
            "memory_gib": round(memory / 1048576), "kernel": platform.release(), "rustc": first_line("rustc", "--version")}


def dig(d, *path):
    for key in path:
        d = d.get(key) if isinstance(d, dict) else None
    return d


def to_others(r):
    """Deliveries to others for a CPU second of the server: what came back to publishers is not counted."""
    rate, cpu, window = r.get("deliveries_per_s"), dig(r, "cpu", "server_cpu_s"), dig(r, "cpu", "window_s")
    return rate * window / cpu if rate and cpu and window else None


def with_own(r):
    return dig(r, "cpu", "per_server_cpu_s")


def line(shape, peer, rep, r):
    if shape in ("chat", "storm"):
        return f"{shape:7} {peer:12} #{rep} ok={r.get('ok')} {r.get('round_trip_ms') or r.get('all_complete_ms')} {r.get('failed', '')}"
    if shape == "idle":
        return f"{shape:7} {peer:12} #{rep} ok={r.get('ok')} KiB/conn={r.get('rss_kb_per_conn')} {r.get('failed', '')}"
    lat, cpu = r.get("latency_us") or {}, r.get("cpu") or {}
    return (f"{shape:7} {peer:12} #{rep} ok={r.get('ok')} d/s={r.get('deliveries_per_s')} p50={lat.get('p50')} p99={lat.get('p99')} "
            f"max={lat.get('max')} per_cpu_s={round(to_others(r) or 0)} server={cpu.get('server_cpu_s')}/{cpu.get('window_s')} "
            f"other={cpu.get('other_cpu_s')} lost={r.get('lost')} {r.get('failed', '')}")


def spread(values, digits=0, scale=1.0):
    values = [it * scale for it in values if it is not None]
    if not values:
        return "–"
    show = lambda it: f"{it:,.{digits}f}"
    middle, low, high = statistics.median(values), min(values), max(values)
    return show(middle) if show(low) == show(high) else f"{show(middle)} ({show(low)}–{show(high)})"


class Results:
    def __init__(self, rows):
        self.run = next(it for it in rows if it["kind"] == "run")
        self.by = {}
        for row in rows:
            if row["kind"] == "measured":
                self.by.setdefault(row["shape"], {}).setdefault(row["peer"], {})[row["rep"]] = row["r"]

    def of(self, shape, peer):
        return list(self.by.get(shape, {}).get(peer, {}).values())

    def ratios(self, shape, peer, figure, base=BASE):
        """Within each repetition: what was measured side by side."""
        mine, others = self.by.get(shape, {}).get(peer, {}), self.by.get(shape, {}).get(base, {})
        pairs = [(figure(mine[rep]), figure(others[rep])) for rep in mine if rep in others]
        return [a / b for a, b in pairs if a and b]


def median(values):
    values = [it for it in values if it is not None]
    return statistics.median(values) if values else None


def fanout_table(res, shape):
    out = ["| server | deliveries/s | p50 ms | p99 ms | deliveries per server CPU second | × actix_queue | lost / doubled / reordered |",
           "| --- | --- | --- | --- | --- | --- | --- |"]
    for peer in res.by.get(shape, {}):
        rs = [it for it in res.of(shape, peer)]
        failed = [it for it in rs if it.get("failed")]
        bad = "/".join(str(sum(it.get(k) or 0 for it in rs)) for k in ("lost", "dup", "reordered"))
        out.append(f"| {NAMES.get(peer, peer)} | {spread([it.get('deliveries_per_s') for it in rs])} "
                   f"| {spread([dig(it, 'latency_us', 'p50') for it in rs], 2, 1e-3)} "
                   f"| {spread([dig(it, 'latency_us', 'p99') for it in rs], 2, 1e-3)} "
                   f"| {spread([to_others(it) for it in rs])} | {spread(res.ratios(shape, peer, to_others), 2)} "
                   f"| {bad}{' (failed: ' + str(len(failed)) + ')' if failed else ''} |")
    return out


def idle_table(res):
    out = ["| server | connections | KiB of resident memory for each | server µs of CPU for each connect |", "| --- | --- | --- | --- |"]
    for peer in res.by.get("idle", {}):
        rs = res.of("idle", peer)
        out.append(f"| {NAMES.get(peer, peer)} | {spread([it.get('conns') for it in rs])} "
                   f"| {spread([it.get('rss_kb_per_conn') for it in rs], 1)} "
                   f"| {spread([it.get('connect_server_cpu_us_each') for it in rs])} |")
    return out


def bars(res):
    """What issue 3 asks for: text, the figure, the limit, whether more is better."""
    found = []
    add = lambda text, value, limit, more, digits=2: value is not None and found.append((text, value, limit, more, digits))
    ms = lambda shape, peer: median([dig(it, "latency_us", "p99") for it in res.of(shape, peer)])
    for peer, limits in (("hub_latest", (0.9, 0.9)), ("hub_log", (0.35, 0.7))):
        for shape, limit in zip(("trifix", "room"), limits):
            add(f"{NAMES[peer]}: deliveries per server CPU second, × actix_queue, {shape}",
                median(res.ratios(shape, peer, to_others)), limit, True)
    for peer in FULL_PEERS:
        add(f"{NAMES['hub_latest']}: the same, × {peer}, trifix", median(res.ratios("trifix", "hub_latest", to_others, peer)), 1.0, True)
    for peer, limit in (("hub_latest", 1.0), ("hub_log", 10.0)):
        value = ms("trifix", peer)
        add(f"{NAMES[peer]}: p99 in ms, trifix", value and value / 1e3, limit, False)
    p99 = lambda r: dig(r, "latency_us", "p99")
    add(f"{NAMES['hub_latest']}: p99, × actix_queue, room", median(res.ratios("room", "hub_latest", p99)), 1.25, False)
    best = max((to_others(it) or 0 for it in res.of("tri", "hub_latest")), default=None)
    add(f"{NAMES['hub_latest']}: deliveries per server CPU second at the highest rate", best, 200_000, True, 0)
    add("`chat.send` to `ok` at 2,000/s: p99 in ms", median([dig(it, "round_trip_ms", "p99") for it in res.of("chat", "hub")]), 20, False)
    add("resume storm: seconds until 10,000 clients are complete", median([(it.get("all_complete_ms") or 1e9) / 1e3 for it in res.of("storm", "hub")]), 30, False, 1)
    add("KiB of resident memory for each idle account", median([it.get("rss_kb_per_conn") for it in res.of("idle", "hub_latest")]), 28, False, 1)
    return found


def bars_table(res):
    out = ["| what | measured | bar | |", "| --- | --- | --- | --- |"]
    for text, value, limit, more, digits in bars(res):
        met = value >= limit if more else value <= limit
        sign = "≥" if more else "≤"
        out.append(f"| {text} | {value:,.{digits}f} | {sign} {limit:,g} | {'met' if met else '**missed**'} |")
    return out


def chat_text(res):
    out = []
    for r in res.of("chat", "hub"):
        t = r.get("round_trip_ms") or {}
        out.append(f"- {r.get('rate', 0):,.0f} a second over {r.get('connections', 0)} connections: p50 {t.get('p50')} ms, p90 {t.get('p90')} ms, "
                   f"p99 {t.get('p99')} ms, max {t.get('max')} ms; refused {r.get('refused')}, unanswered {r.get('unanswered')}.")
    return out


def storm_text(res):
    out = []
    for r in res.of("storm", "hub"):
        if r.get("failed"):
            out.append(f"- failed: {r['failed']}")
            continue
        t, own = r.get("complete_after_drop_ms") or {}, r.get("complete_after_own_attempt_ms") or {}
        out.append(f"- {r['complete']:,} of {r['clients']:,} complete {r['all_complete_ms'] / 1e3:.1f} s after the drop (p50 {t.get('p50')} ms, "
                   f"p99 {t.get('p99')} ms; counted from each client's own first attempt p50 {own.get('p50')} ms, p99 {own.get('p99')} ms); "
                   f"{r['attempts']:,} attempts, {r['wrong']} holes, doubles or replays that were not whole.")
        for name, n in sorted((r.get("queries") or {}).items()):
            out.append(f"  - `{name}`: {n:,.0f}")
    return out


def document(rows):
    res = Results(rows)
    run = res.run
    out = ["# Performance", "",
           "Written by `make bench-hub` from one run, in which our server and others took turns on the same machine. "
           "Compare figures within this document only: between machines, and between hours on a shared one, they differ by a third and more.", "",
           f"- Run: {run['at']} UTC, commit `{run['commit']}`{' with local changes' if run['dirty'] else ''}, {run['rustc']}, release build",
           f"- Machine: {run['cpu']}, {run['cores']} cores, {run['memory_gib']} GiB, Linux {run['kernel']}",
           f"- Server on one core with one worker thread, generator on another; {'both at real-time priority' if run['rt'] else 'normal priority'} "
           f"(tri, idle and storm: normal); {run['reps']} repetitions of trifix, room and chat, one of the others; median (lowest–highest)",
           "- SQLite store with `synchronous=NORMAL`; deliveries are those to others: an entry that comes back to its publisher is not counted",
           "- `actix_queue` is a bare actix-ws broadcast loop with a queue for each member: no accounts, channels, offsets, limits or journal"]
    for peer, why in sorted(run["missing"].items()):
        out.append(f"- Not measured: {peer} ({why})")
    out += ["", "## Against the bars of the plan", ""] + bars_table(res)
    for shape, (title, text) in SHAPES.items():
        if shape in res.by:
            out += ["", f"## {title} (`{shape}`)", "", text, ""] + fanout_table(res, shape)
    if "idle" in res.by:
        out += ["", "## Memory of idle connections (`idle`)", "",
                "Ours are signed in, with inbox, and hear one room more; the others have joined a room.", ""] + idle_table(res)
    if "chat" in res.by:
        out += ["", "## `chat.send` to `ok`, which comes after the commit (`chat`)", ""] + chat_text(res)
    if "storm" in res.by:
        out += ["", "## Resume storm (`storm`)", "",
                "All clients lose their connection at the same moment, miss three entries of a logged channel each, and come back within the "
                "first window that the hub told them (5 s). The counters are the server's own, over the storm.", ""] + storm_text(res)
    return "\n".join(out) + "\n"
