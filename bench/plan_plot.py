#!/usr/bin/env python3
"""Draws what a plan says of more ranks: samples a second, and where a step's time goes. Needs matplotlib.
usage: lodestone plan CONFIG ... --json PLAN.json; plan_plot.py PLAN.json OUTPUT.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

PARTS = {"encoder": "encoder", "loss": "loss", "exchange": "exchange",
         "gradient_reduction_not_hidden": "gradients, not hidden",
         "update": "update"}
TITLES = {"fixed": "the same global batch on more ranks", "growing": "the same rows a rank"}


def draw(plan, output):
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6))
    for name, title in TITLES.items():
        rows = plan["tables"][name]
        ranks = [row["ranks"] for row in rows]
        axes[0].loglog(ranks, [row["samples_per_second"] for row in rows], marker="o", ms=3, label=title)
        axes[0].loglog(ranks, [rows[0]["samples_per_second"] * rank for rank in ranks], lw=0.8, ls=":",
                       color="grey")
    axes[0].set_title(f"samples a second, modelled ({plan['machine']}); dotted: one rank's, times ranks",
                      fontsize=8)
    axes[0].legend(fontsize=7)
    for axis, (name, title) in zip(axes[1:], TITLES.items()):
        rows = plan["tables"][name]
        shares = [[row["seconds"][part] / row["seconds"]["step"] for row in rows] for part in PARTS]
        axis.stackplot([row["ranks"] for row in rows], shares, labels=PARTS.values(), alpha=0.85)
        axis.set_xscale("log", base=2)
        axis.set_ylim(0, 1)
        axis.set_title(f"share of a step: {title}", fontsize=8)
        axis.legend(fontsize=7, loc="lower left")
    for axis in axes:
        axis.set_xlabel("ranks", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.25)
    figure.tight_layout()
    figure.savefig(output, dpi=90)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        draw(json.load(file), sys.argv[2])
