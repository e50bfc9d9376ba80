"""The picture: time against N, a panel per loss."""
import pathlib

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402

from groups import GROUPS, Group  # noqa: E402

COLUMNS = 4
LEFT_OUT = {"semi_hard_pairs"}  # its own panel would show what semi_hard shows
COLOURS = {"PML": "#d95f02", "lightly": "#1b9e77", "OpenCLIP": "#7b3fb5",
           "sentence-transformers": "#a6761d", "torch": "#555555"}
NAMES = {"PML": "pytorch-metric-learning", "torch": "plain torch"}
OURS = "#0b5fd3"


def duration(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{1e3 * seconds:g} ms"


def library(peer: str) -> str:
    return next(start for start in COLOURS if peer.startswith(start))


def draw_peer(axes: Axes, rows: list[dict], index: int) -> None:
    """One line; where it ends before the others, a cross says that larger N was skipped."""
    peers = [(row["size"], row["peers"][index]) for row in rows]
    ran = [(size, peer["seconds"]) for size, peer in peers if "skipped" not in peer]
    colour = COLOURS[library(peers[0][1]["name"])]
    same = peers[0][1]["same_formula"]
    if not ran:
        return
    axes.plot(*zip(*ran), color=colour, marker="o", markersize=4, linewidth=1.6,
              linestyle="-" if same else ":")
    if len(ran) < len(peers):
        axes.annotate("×", ran[-1], xytext=(9, 5), textcoords="offset points", color=colour,
                      fontsize=15, fontweight="bold", ha="center", va="center")


def draw_panel(axes: Axes, group: Group, rows: list[dict]) -> None:
    sizes = [row["size"] for row in rows]
    for index in range(len(group.peers)):
        draw_peer(axes, rows, index)
    axes.plot(sizes, [row["lodestone"]["floor_seconds"] for row in rows], color=OURS,
              linewidth=1, linestyle="--")
    axes.plot(sizes, [row["lodestone"]["seconds"] for row in rows], color=OURS, marker="o",
              markersize=5, linewidth=3)
    axes.set(xscale="log", yscale="log", title=group.title)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda seconds, _: duration(seconds))
    axes.grid(color="#e3e3e3", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def legend_lines(groups: list[Group]) -> list[Line2D]:
    """Lodestone, its floor, the libraries that occur, and what marks mean."""
    used = {library(peer.name) for group in groups for peer in group.peers}
    lines = [Line2D([], [], color=OURS, marker="o", linewidth=3, label="Lodestone"),
             Line2D([], [], color=OURS, linestyle="--", linewidth=1,
                    label="floor of the arithmetic")]
    lines += [Line2D([], [], color=colour, marker="o", markersize=4, label=NAMES.get(name, name))
              for name, colour in COLOURS.items() if name in used]
    return lines + [Line2D([], [], color="#888888", linestyle=":", label="another formula"),
                    Line2D([], [], color="#888888", linestyle="", marker="x",
                           label="larger batches skipped")]


def draw(path: pathlib.Path, machine: dict, results: list[dict]) -> None:
    """Writes the picture of these results."""
    panels_of = []
    for group in GROUPS:
        rows = sorted((row for row in results if row["group"] == group.key),
                      key=lambda row: row["size"])
        if rows and group.key not in LEFT_OUT:
            panels_of.append((group, rows))
    lines = -(-len(panels_of) // COLUMNS)
    plt.rcParams.update({"font.size": 11, "axes.titlesize": 12, "text.color": "#1a1a1a"})
    figure, panels = plt.subplots(lines, COLUMNS, squeeze=False, sharex=True, sharey=True,
                                  figsize=(15, 2.9 * lines + 1.2), layout="constrained")
    for axes in panels.flat[len(panels_of):]:
        axes.set_visible(False)
    for axes, (group, rows) in zip(panels.flat, panels_of):
        draw_panel(axes, group, rows)
    figure.suptitle(f"Time of loss and gradient against the rows of the batch. "
                    f"{machine['processor']}, {machine['threads']} threads, float32, "
                    f"d = {machine['width']}; lower is better", fontsize=14)
    figure.legend(handles=legend_lines([group for group, _ in panels_of]),
                  loc="outside lower center", ncols=5, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, facecolor="white")
    plt.close(figure)
