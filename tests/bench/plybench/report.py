# SPDX-License-Identifier: Apache-2.0
"""What comes out of the samples: the table, JSON, the plot."""
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess

from .rows import GOALS
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


def print_table(samples, rss, names, plyfs_names):
    """Median, half the spread of all rounds, ratio to the kernel; '>' marks a goal that no plyfs of the run reaches."""
    print(f"{'ns an operation or MiB':44}" + "".join(f"{n:>22}" for n in names) + f"{'goal':>8}")
    for row, by_system in samples.items():
        goal = GOALS.get(row)
        ratios = [r for r in (ratio(by_system, n) for n in plyfs_names) if r]
        missed = goal and ratios and min(ratios) > goal
        print(f"{row:44}" + "".join(cell(by_system, n) for n in names) +
              (f"{'>' if missed else ' '}{goal:7.2f}" if goal else ""))
    for name, groups in rss.items():
        print(f"resident KiB after: {name}: " + ", ".join(f"{g} {k}" for g, k in groups.items()))


def write_json(path, samples, rss, systems):
    with open(path, "w", encoding="ascii") as f:
        json.dump({
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "kernel": platform.release(), "processors": os.cpu_count(), "systems": [s.name for s in systems],
            "unit": "nanoseconds an operation or MiB", "rows": samples, "goals": GOALS, "rss_kib": rss}, f, indent=1)


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
