"""The results as Markdown, and into docs/peers.md between its markers."""
import pathlib

from groups import GROUPS

AGREE = 1e-4  # relative: losses that differ by less are the same
BEGIN, END = "<!-- written by bench/peers/run.py -->", "<!-- to here -->"
TITLES = {group.key: group.title for group in GROUPS}


def number(value: float) -> str:
    """Three significant digits, thousands marked."""
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def milliseconds(result: dict) -> str:
    return number(1e3 * result["seconds"])


def table(head: str, rows: list[list[str]]) -> str:
    """A Markdown table; `head` names the columns, those after the first `|` are right-aligned
    if they end in `:`."""
    names = head.split(" | ")
    lines = [names, ["---:" if name.endswith(":") else "---" for name in names], *rows]
    lines[0] = [name.rstrip(":") for name in names]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def fastest(row: dict) -> dict | None:
    """The fastest peer with the same formula; with none, the fastest of the others."""
    ran = [peer for peer in row["peers"] if "skipped" not in peer]
    same = [peer for peer in ran if peer["same_formula"]]
    return min(same or ran, key=lambda peer: peer["seconds"], default=None)


def ratio(row: dict) -> str:
    """How many times as long as Lodestone the fastest peer takes."""
    peer = fastest(row)
    if peer is None:
        return "no peer runs"
    times = f"{peer['seconds'] / row['lodestone']['seconds']:.2f}"
    return times if peer["same_formula"] else f"({times})"


def same_loss(peer: dict) -> str:
    if not peer["same_formula"]:
        return "other formula"
    difference = peer["value_difference"]
    return "yes" if difference <= AGREE else f"no: off by {difference:.1e}"


def disagreements(results: list[dict]) -> list[str]:
    """Peers that should compute the same loss and do not."""
    return [f"{TITLES[row['group']]}, N = {row['size']}, {peer['name']}: {same_loss(peer)}"
            for row in results for peer in row["peers"]
            if "skipped" not in peer and same_loss(peer).startswith("no")]


def ratio_table(results: list[dict]) -> str:
    sizes = sorted({row["size"] for row in results})
    cells = {(row["group"], row["size"]): ratio(row) for row in results}
    keys = [group.key for group in GROUPS if any(key == group.key for key, _ in cells)]
    head = " | ".join(["loss", *(f"N = {size:,}:" for size in sizes)])
    return table(head, [[TITLES[key], *(cells.get((key, size), "") for size in sizes)]
                        for key in keys])


def summary_table(results: list[dict]) -> str:
    lines = []
    for row in results:
        ours, peer = row["lodestone"], fastest(row)
        theirs = (milliseconds(peer), peer["name"], number(peer["extra_mib"])) if peer else [""] * 3
        lines.append([TITLES[row["group"]], f"{row['size']:,}", milliseconds(ours),
                      number(1e3 * ours["floor_seconds"]), *theirs[:2], ratio(row),
                      number(ours["extra_mib"]), theirs[2]])
    return table("loss | N: | Lodestone ms: | floor ms: | fastest peer ms: | which | "
                 "peer / Lodestone: | Lodestone MiB: | that peer MiB:", lines)


def peer_table(results: list[dict]) -> str:
    """Every contestant."""
    lines = []
    for row in results:
        ours = row["lodestone"]
        start = [TITLES[row["group"]], f"{row['size']:,}"]
        lines.append([*start, "**Lodestone**", milliseconds(ours), "1", number(ours["extra_mib"]),
                      "", ""])
        for peer in row["peers"]:
            if "skipped" in peer:
                lines.append([*start, peer["name"], "skipped", "", "", peer["skipped"], ""])
                continue
            times = number(peer["seconds"] / ours["seconds"])
            gradient = f"{peer['gradient_norm_difference']:.0e}" if peer["same_formula"] else ""
            lines.append([*start, peer["name"], milliseconds(peer), times,
                          number(peer["extra_mib"]), same_loss(peer), gradient])
    return table("loss | N: | what | ms: | / Lodestone: | MiB: | same loss | gradient norm off by",
                 lines)


def machine_line(machine: dict) -> str:
    """What the figures were measured on and with, and whether they can be trusted."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    line = (f"{machine['processor']}, {machine['threads']} threads, float32, d = "
            f"{machine['width']}; medians of {machine['rounds']} rounds in turns. {versions}.\n")
    if machine["busy"]:
        line += "\n**The machine was busy with other work: read nothing into single times.**\n"
    return line


def results_page(machine: dict, results: list[dict]) -> str:
    """bench/peers/results.md"""
    order = {group.key: i for i, group in enumerate(GROUPS)}
    results = sorted(results, key=lambda row: (order[row["group"]], row["size"]))
    return "\n".join([
        "# Lodestone beside its peers\n", "Written by `./dev bench peers`.\n",
        machine_line(machine),
        "## Lodestone, the floor and the fastest peer\n",
        "In brackets: no peer has the same formula.\n", summary_table(results),
        "## Every contestant\n", peer_table(results)])


def write_docs(page: pathlib.Path, machine: dict, results: list[dict]) -> None:
    """Puts the tables between the markers of docs/peers.md."""
    largest = max(row["size"] for row in results)
    text = page.read_text()
    before, after = text[:text.index(BEGIN) + len(BEGIN)], text[text.index(END):]
    tables = "\n".join([
        "", machine_line(machine),
        "How many times as long as Lodestone the fastest peer takes; below 1 the peer is faster:\n",
        ratio_table(results),
        f"At N = {largest:,}:\n", peer_table([r for r in results if r["size"] == largest]), ""])
    page.write_text(before + "\n" + tables + after)
