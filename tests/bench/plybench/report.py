# SPDX-License-Identifier: Apache-2.0
"""What comes out of the samples: the table, JSON, the plot."""
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess

from .rows import ABSOLUTE_GOALS, BY_LAYERS, BY_LAYERS_GOAL, GOALS, GROUPS
from .stacks import SIZES, over
from .systems import BenchError


def ratio(by_system, name):
    """To the kernel; None where one of the two has no figure."""
    if not by_system.get(name) or not by_system.get("kernel"):
        return None
    return statistics.median(by_system[name]) / statistics.median(by_system["kernel"])


def cell(by_system, name):
    values = by_system.get(name)
    if not values:
        return f"{'-':>22}"
    median = statistics.median(values)
    spread = (max(values) - min(values)) / median / 2 * 100
    r = ratio(by_system, name)
    return f"{median:>10.0f} ±{spread:2.0f}%" + (f" {r:6.2f}" if r else " " * 7)


def goal_cell(row, by_system, plyfs_names):
    """'>' marks a goal that no plyfs of the run reaches: of the ratio to the kernel, or of the figure itself."""
    if row in ABSOLUTE_GOALS:
        goal = ABSOLUTE_GOALS[row]
        values = [statistics.median(by_system[n]) for n in plyfs_names if by_system.get(n)]
        return f"{'>' if values and min(values) > goal else ' '}{goal:.0f}".rjust(8)
    goal = GOALS.get(row)
    ratios = [r for r in (ratio(by_system, n) for n in plyfs_names) if r]
    return f"{'>' if ratios and min(ratios) > goal else ' '}{goal:.2f}".rjust(8) if goal else ""


def table_rows(bench):
    """Those that were measured, in order."""
    for row in (step[0] for group in GROUPS for step in group["steps"]):
        if row in bench.samples or row in bench.failed:
            yield row


def behind_cell(figures, plyfs_names, peer_names):
    """The peers that take less than each plyfs of the run, and the ratio of the best of these to theirs."""
    own = [figures[n] for n in plyfs_names if figures.get(n)]
    peers = [n for n in peer_names if figures.get(n)]
    return ", ".join(f"{n} {min(own) / figures[n]:.2f}" for n in peers if own and figures[n] < min(own))


def print_head(what, names, more):
    print(f"{what:44}" + "".join(f"{n:>22}" for n in names) + more)


def print_tables(bench, names, plyfs_names, peer_names):
    """Median, half the spread of all rounds, ratio to the kernel."""
    print_head("ns an operation or MiB", names, f"{'goal':>8}  behind")
    for row, why in bench.skipped.items():
        print(f"{row:44}  skipped: {why}")
    for row in table_rows(bench):
        by_system = bench.samples.get(row, {})
        behind = behind_cell({n: statistics.median(v) for n, v in by_system.items()}, plyfs_names, peer_names)
        print(f"{row:44}" + "".join(cell(by_system, n) for n in names) + f"{goal_cell(row, by_system, plyfs_names):8}  {behind}".rstrip())
    print_cpu(bench, names, plyfs_names, peer_names)
    print_by_layers(bench.samples, names, plyfs_names)
    for name, groups in bench.rss.items():
        print(f"resident KiB after: {name}: " + ", ".join(f"{g} {k}" for g, k in groups.items()))


def print_cpu(bench, names, plyfs_names, peer_names):
    """Medians of the processor time of the daemon and of its callers."""
    print()
    print_head("ns of the processor: daemon + callers", names, "  behind")
    for row in filter(bench.cpu.get, table_rows(bench)):
        parts = {n: [statistics.median(p) for p in zip(*v)] for n, v in bench.cpu[row].items()}
        cells = (f"{parts[n][0]:.0f} + {parts[n][1]:.0f}" if n in parts else "-" for n in names)
        behind = behind_cell({n: sum(p) for n, p in parts.items()}, plyfs_names, peer_names)
        print(f"{row:44}" + "".join(f"{c:>22}" for c in cells) + f"  {behind}".rstrip())
    print()


def to_one_layer(samples, row, count, name):
    one, many = (samples.get(over(row, n), {}).get(name) for n in (1, count))
    return statistics.median(many) / statistics.median(one) if one and many else None


def print_by_layers(samples, names, plyfs_names):
    """The ratio of each system to itself over one layer."""
    rows = [(row, n) for row in BY_LAYERS for n in SIZES[1:] if over(row, n) in samples]
    if rows:
        print_head("ratio to one layer", names, f"{'goal':>8}")
    for row, n in rows:
        ratios = {name: to_one_layer(samples, row, n, name) for name in names}
        own = [ratios[name] for name in plyfs_names if ratios[name]]
        print(f"{over(row, n):44}" + "".join(f"{f'{r:.2f}' if r else '-':>22}" for r in ratios.values()) +
              f"{'>' if own and min(own) > BY_LAYERS_GOAL else ' '}{BY_LAYERS_GOAL:.2f}".rjust(8))
    if rows:
        print()


def write_json(path, bench, systems):
    with open(path, "w", encoding="ascii") as f:
        json.dump({
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "kernel": platform.release(), "processors": os.cpu_count(), "systems": [s.name for s in systems],
            "unit": "nanoseconds an operation or MiB", "rows": bench.samples,
            "processor": bench.cpu, "goals": GOALS, "absolute_goals": ABSOLUTE_GOALS,
            "skipped": bench.skipped, "failed": bench.failed, "rss_kib": bench.rss}, f, indent=1)


def plot_script(samples, names, path):
    lines = ["set terminal pngcairo size 1500,900 font ',11'", f"set output {json.dumps(path)}",
             "set title 'Time, as a ratio to kernel overlayfs (less is better)'", "set logscale y", "set grid ytics",
             "set ylabel 'ratio'", "set style data histograms", "set style histogram clustered gap 1",
             "set style fill solid 0.8 noborder", "set xtics rotate by -40 left", "set key top left", "set bmargin 14",
             "set rmargin 16", "set arrow from graph 0, first 1 to graph 1, first 1 nohead lw 2 lc rgb 'black'",
             "$data << EOD"]
    for row, by_system in samples.items():
        values = [ratio(by_system, n) for n in names]
        lines.append(" ".join([json.dumps(row)] + [f"{v:.4f}" if v else "NaN" for v in values]))
    lines.append("EOD")
    lines.append("plot " + ", ".join(f"$data using {i + 2}:xtic(1) title {json.dumps(n)}" for i, n in enumerate(names)))
    return "\n".join(lines) + "\n"


def check_plot():
    if not shutil.which("gnuplot"):
        raise BenchError("--plot: gnuplot isn't installed")


def write_plot(path, samples, systems):
    names = [s.name for s in systems if s.name != "kernel"]
    done = subprocess.run(["gnuplot"], input=plot_script(samples, names, path), text=True, check=False,
                          stderr=subprocess.PIPE)
    if done.returncode:
        raise BenchError(f"--plot {path}: gnuplot: {done.stderr.strip()}")
