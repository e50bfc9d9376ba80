#!/usr/bin/env python3
"""Draws the dashboard's panels as pictures of what a Prometheus answers: to look at it without Grafana. Needs
matplotlib.

usage: draw.py PROMETHEUS_URL BEGIN END OUTPUT.png [ROW...]
Times are in seconds since 1970; ROW is the start of a row's title."""
import datetime
import json
import pathlib
import re
import sys
import urllib.parse
import urllib.request

import matplotlib

matplotlib.use("Agg")
import matplotlib.dates  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
POINTS = 200
SELECTED = {"$namespace": ".*", "$run": ".*", "$rank": ".*", "$__rate_interval": "20s"}
UNITS = {"percentunit": (100, " %"), "s": (1, " s"), "Bps": (1e-6, " MB/s"), "bytes": (1e-6, " MB"),
         "percent": (1, " %"),
         "watt": (1, " W"), "celsius": (1, " °C"), "decmbytes": (1e-3, " GB"), "ops": (1, " /s")}


class Source:
    """Answers of a Prometheus over one span of time."""

    def __init__(self, url, begin, end):
        self.url, self.begin, self.end = url, begin, end

    def series(self, target):
        """[(legend, [(time, value)])] of a panel's target."""
        expression = target["expr"]
        for name, value in SELECTED.items():
            expression = expression.replace(name, value)
        words = urllib.parse.urlencode({"query": expression, "start": self.begin, "end": self.end,
                                        "step": max(1, (self.end - self.begin) / POINTS)})
        with urllib.request.urlopen(f"{self.url}/api/v1/query_range?{words}", timeout=30) as answer:
            rows = json.load(answer)["data"]["result"]
        named = [(re.sub(r"{{(\w+)}}", lambda m: row["metric"].get(m.group(1), ""), target["legendFormat"]),
                  row) for row in rows]
        return [(legend, [(float(t), float(v)) for t, v in row["values"]]) for legend, row in named]


def draw_lines(axes, panel, lines, factor):
    if panel["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] == "normal" and lines:
        times = sorted({t for _, points in lines for t, _ in points})
        values = [[factor * dict(points).get(t, 0) for t in times] for _, points in lines]
        axes.stackplot([datetime.datetime.fromtimestamp(t) for t in times], values,
                       labels=[name for name, _ in lines], alpha=0.8)
    else:
        for name, points in lines:
            axes.plot([datetime.datetime.fromtimestamp(t) for t, _ in points],
                      [factor * v for _, v in points], label=name, lw=1.3)
    axes.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M:%S"))
    axes.xaxis.set_major_locator(matplotlib.dates.AutoDateLocator(maxticks=4))
    if "min" in panel["fieldConfig"]["defaults"]:
        axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    axes.grid(alpha=0.25)
    axes.tick_params(labelsize=6)
    if lines:
        axes.legend(fontsize=5.5, ncol=3, loc="best", framealpha=0.6)


def draw_words(axes, panel, lines, factor, unit):
    axes.axis("off")
    if panel["type"] == "stat":
        text = "\n".join(f"{factor * points[-1][1]:.3g}{unit}" for _, points in lines if points) or "no data"
        axes.text(0.5, 0.45, text, ha="center", va="center", fontsize=15, color="#1f6f43")
    else:
        axes.text(0.02, 0.9, "\n".join(sorted({name for name, _ in lines})) or "none", va="top", fontsize=7)


def draw(source, output, rows):
    board = json.loads((HERE / "lodestone.json").read_text())
    panels, keep = [], not rows
    for panel in board["panels"]:
        if panel["type"] == "row":
            keep = not rows or any(panel["title"].startswith(row) for row in rows)
        if keep:
            panels.append(panel)
    top = min(panel["gridPos"]["y"] for panel in panels)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) - top
    figure = plt.figure(figsize=(15, 0.31 * height), dpi=80)
    for panel in panels:
        at = panel["gridPos"]
        at["y"] -= top
        if panel["type"] == "row":
            figure.text(0.012, 1 - (at["y"] + 0.8) / height, panel["title"], fontsize=11, fontweight="bold")
            continue
        margin = 0.9 if panel["type"] == "timeseries" else 0.2
        axes = figure.add_axes(((at["x"] + 1.0) / 24.6, 1 - (at["y"] + at["h"] - margin) / height,
                                (at["w"] - 1.2) / 24.6,
                                (at["h"] - margin - 1.1) / height))
        factor, unit = UNITS.get(panel["fieldConfig"]["defaults"]["unit"], (1, ""))
        axes.set_title(panel["title"] + (f" ({unit.strip()})" if unit else ""), fontsize=7.5, loc="left",
                       pad=3)
        lines = [line for target in panel["targets"] for line in source.series(target)]
        if panel["type"] == "timeseries":
            draw_lines(axes, panel, lines, factor)
        else:
            draw_words(axes, panel, lines, factor, unit)
    figure.savefig(output)


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    draw(Source(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])), sys.argv[4], sys.argv[5:])
