"""Results as Markdown."""
import pathlib

BEGIN, END = "<!-- written by bench/training/run.py -->", "<!-- to here -->"
PHASES = ("load", "encode", "gather", "loss", "backward", "reduce", "update")


def agrees(result: dict) -> bool:
    """The same weights and rows give the same loss, to what the type of the products leaves."""
    return result["first_loss_difference"] < (2e-2 if "bfloat16" in result["name"] else 1e-4)


def disagreements(results: dict) -> list[str]:
    return [f"{case['case']}: {result['name']}: the first loss differs by "
            f"{result['first_loss_difference']:.1e}"
            for case in results["cases"] for result in case["results"] if not agrees(result)]


def table(case: dict) -> list[str]:
    ours = case["results"][0]["samples_per_second"]
    lines = [f"**{case['title']}**", "",
             "| what | images/s | Lodestone is faster by | per round | first loss off by |",
             "| --- | ---: | ---: | --- | ---: |"]
    for result in case["results"]:
        rounds = " ".join(f"{rate:,.0f}" for rate in result["rounds"])
        lines.append(f"| {result['name']} | {result['samples_per_second']:,.0f} | "
                     f"{ours / result['samples_per_second']:.2f} × | {rounds} | "
                     f"{result['first_loss_difference']:.0e} |")
    phases = case["results"][0]["phase_seconds"]
    whole = sum(phases.values())
    lines += ["", "Milliseconds of a step of Lodestone's, by phase: "
              + ", ".join(
                  f"{name} {1e3 * phases[name]:.1f} ({100 * phases[name] / whole:.0f} %)" for name in PHASES)
              + ".", ""]
    return lines


def page(results: dict) -> str:
    about = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [f"{about['cpu']}, {about['cores']} cores; 2 ranks × 1 thread; medians of {about['rounds']} "
             f"rounds of "
             f"{about['steps']} steps, in turns. {versions}.", ""]
    for case in results["cases"]:
        lines += table(case)
    return "\n".join(lines)


def write_docs(path: pathlib.Path, text: str) -> None:
    before, rest = path.read_text().split(BEGIN)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}")
