"""The table of a run: to a terminal and, as Markdown with its JSON beside it, to bench/results/."""
import json
import statistics

NUMBERS = ("ok_per_s", "p50_ms", "p99_ms", "p999_ms", "cpu_driver", "wal_bytes", "pss_mib",
           "undisturbed", "busy", "backlog_before", "backlog", "drain_s", "rate")
SERVICES = ("gateway", "authorization", "ledger", "outbox", "saga")
# What a backend calls itself -> whom it works for.
ROLES = ("authorization", "ledger", "outbox", "saga", "client", "WAL writer", "checkpointer",
         "autovacuum", "others")
HEADS = ("", "ok/s", "rounds", "of (b)", "of (c)", "p50 ms", "p99 ms", "p99.9 ms", "CPU s/1,000",
         "WAL B", "MiB", "backlog", "drain s", "errors", "undisturbed")


def merge(results):
    """One row of several rounds: means of the numbers, sums of the counts."""
    row = {"title": results[-1]["title"], "rounds": [one["ok_per_s"] for one in results]}
    for name in NUMBERS:
        told = [one[name] for one in results if one.get(name) is not None]
        row[name] = statistics.mean(told) if told else None
    row["pss_most_mib"] = max(one["pss_mib"] for one in results)
    for name in ("done", "stored", "errors"):
        row[name] = sum(one[name] for one in results)
    for name in ("cpu", "cpu_postgres"):
        whose = {who for one in results for who in one[name]}
        row[name] = {who: statistics.mean(one[name].get(who, 0.0) for one in results)
                     for who in whose}
    row["postgres"] = sum(row["cpu_postgres"].values())
    row["system"] = sum(row["cpu"].values()) + row["postgres"]
    return row


def role_of(who):
    for role in ROLES:
        if role in who or (role == "client" and who in ("pgbench", "batches")):
            return role
    return "WAL writer" if who == "walwriter" else "others"


def by_role(row):
    told = dict.fromkeys(ROLES, 0.0)
    for who, used in row["cpu_postgres"].items():
        told[role_of(who)] += used
    return told


def number(value, form="{:,.0f}"):
    return "" if value is None else form.format(value)


def ratio(row, rows, floor):
    """To a floor of the same run; of itself there is none, nor where the rate was given."""
    if floor not in rows or row is rows[floor] or row["rate"]:
        return ""
    return f"{row['ok_per_s'] / rows[floor]['ok_per_s']:.2f}"


def cells(row, rows):
    latencies = [number(row[name], "{:.1f}") for name in ("p50_ms", "p99_ms", "p999_ms")]
    floor = "floor-one-hot" if "hot" in row["title"] else "floor-one"
    backlog = f"{number(row['backlog_before'])} > {number(row['backlog'])}"
    return [row["title"], number(row["ok_per_s"]),
            " ".join(number(rate) for rate in row["rounds"]),
            ratio(row, rows, floor), ratio(row, rows, "floor-batches"), *latencies,
            f"{row['system']:.3f}", number(row["wal_bytes"]), number(row["pss_mib"] or None),
            backlog.strip(" >"), number(row["drain_s"], "{:.1f}"), str(row["errors"]),
            f"{row['undisturbed']:.0%}"]


def split(row):
    """CPU seconds per 1,000, process by process, then PostgreSQL's by role."""
    services = [f"{row['cpu'][name]:.3f}" if name in row["cpu"] else "" for name in SERVICES]
    roles = [f"{used:.3f}" if used >= 0.0005 else "" for used in by_role(row).values()]
    return [row["title"], *services, f"{row['postgres']:.3f}", f"{row['cpu_driver']:.3f}", *roles]


def markdown(heads, lines):
    """A table whose columns are as wide as what is in them, so that it reads as it is too."""
    table = [list(heads), *lines]
    wide = [max(len(line[at]) for line in table) for at in range(len(heads))]
    shown = ["| " + " | ".join(cell.ljust(width) if at == 0 else cell.rjust(width)
                               for at, (cell, width) in enumerate(zip(line, wide, strict=True)))
             + " |" for line in table]
    rule = "|" + "|".join("-" * (width + 1) + (":" if at else "-")
                          for at, width in enumerate(wide)) + "|"
    return "\n".join([shown[0], rule, *shown[1:]])


FACTS = {
    "payload_bytes": "the payload of an event has {} bytes",
    "start_s": "the five services were ready {} s after they were started",
    "idle_mib": "just started, they had {} MiB of memory (PSS, all five)",
    "idle_after_mib": "when all was booked, at the end of a round, {} MiB",
}
DISTURBED = 0.9


def facts_of(facts, rows):
    """Sentences for what is no row."""
    said = [FACTS[name].format(", ".join(f"{value:.3g}" for value in values))
            for name, values in facts.items()]
    disturbed = [row["title"] for row in rows.values() if row["undisturbed"] < DISTURBED]
    if disturbed:
        said.append(f"somebody else used over a tenth of the CPU during: {'; '.join(disturbed)}")
    return said


def settings_of(told):
    return ", ".join(f"{name} = {value}" for name, value in told["settings"].items())


def text(run):
    """The whole report of a run: {told, rows, targets, facts, command, minutes}."""
    rows = run["rows"]
    heads = ("CPU s per 1,000", *SERVICES, "PostgreSQL", "driver",
             *(f"PostgreSQL: {role}" for role in ROLES))
    told = run["told"]
    lines = [
        f"# Tallystick {told['tallystick']}, {run['date']}", "",
        f"`{run['command']}`, {run['minutes']:.0f} minutes.", "",
        f"On {told['machine']}; data on {told['disk']}; PostgreSQL {told['postgresql']}; "
        f"{told['compiler']}. Driver, services and PostgreSQL share the machine.", "",
        f"PostgreSQL says: {settings_of(told)}.", "",
        *(f"- {fact}" for fact in run["facts"]), "",
        markdown(HEADS, [cells(row, rows) for row in rows.values()]), "",
        markdown(heads, [split(row) for row in rows.values()]), "",
    ]
    if run["targets"]:
        lines += [markdown(("target", "wanted", "measured", ""), run["targets"]), ""]
    return "\n".join(lines)


def write(run, folder):
    folder.mkdir(exist_ok=True)
    path = folder / f"{run['date'].replace(':', '').replace(' ', '-')}-{run['shape']}.md"
    path.write_text(text(run))
    path.with_suffix(".json").write_text(json.dumps(run, indent=1, default=str) + "\n")
    return path
