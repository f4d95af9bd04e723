"""python -m bench.short RESULT.json - puts the short table of a run into README.md."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"(<!-- bench -->\n).*?(<!-- end of bench -->)", re.S)
ROWS = (
    ("floor-one", "one statement each, straight to PostgreSQL, 16 clients"),
    ("floor-batches", "batches of 128, straight to PostgreSQL, 2 connections"),
    ("peak", "Tallystick, {title}"),
    ("hot", "all on one account"),
    ("million", "on 1,000,000 accounts"),
    ("batch-100", "batches of 100 through the door"),
    ("batch-1000", "batches of 1,000"),
    ("rate-2000", "asked 2,000 a second, whatever the answers do"),
    ("sustained", "booked to the end, for as long as one likes"),
)


def line(row, title):
    cost = f"{row['system']:.2f} s" if row["system"] else ""
    return (f"| {title.format(**row)} | {row['ok_per_s']:,.0f} | {row['p50_ms']:.1f} | "
            f"{row['p99_ms']:.1f} | {cost} |")


def table(run, path):
    rows = dict(run["rows"])
    peaks = [rows[name] for name in ("64", "256", "512") if name in rows]
    if peaks:
        rows["peak"] = max(peaks, key=lambda row: row["ok_per_s"])
    lines = [line(rows[name], title) for name, title in ROWS if name in rows]
    return "\n".join([
        "", f"On {run['told']['machine']}, which driver, services and PostgreSQL "
        f"{run['told']['postgresql'].split()[0]} share",
        f"([all of it]({path.relative_to(ROOT).with_suffix('.md')})):", "",
        "| durable authorizations | a second | p50 ms | p99 ms | CPU per 1,000 |",
        "| --- | ---: | ---: | ---: | ---: |", *lines, "", ""])


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    readme = ROOT / "README.md"
    text = table(json.loads(path.read_text()), path)
    readme.write_text(BLOCK.sub(lambda found: found[1] + text + found[2], readme.read_text()))


if __name__ == "__main__":
    main()
