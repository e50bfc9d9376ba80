#!/usr/bin/env python3
"""Reports in headless Chromium, and README's image of one. usage: page_test.py LODESTONE [SCREENSHOTS]

Trains a model of pictures and one of graded pairs, and opens their reports in light and dark and on a phone.
Exits with 77 (skipped) without chromedriver.
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))
import browser as browsing  # noqa: E402
import served_model  # noqa: E402

SKIPPED = 77
WINDOWS = {"light": (1200, 900, "light"), "dark": (1200, 900, "dark"), "phone": (390, 844, "light")}


def of_grades(program, work):
    """A model of 30 graded pairs in work/run."""
    rows = [(f"please word{n} and number {n}", f"word{n if n % 3 else n + 1} number {n} please",
             n % 3 * 2.5) for n in range(30)]
    (work / "train.tsv").write_text("".join(f"{one}\t{other}\n" for one, other, _ in rows))
    (work / "grades.tsv").write_text("".join(f"{one}\t{other}\t{grade}\n" for one, other, grade in rows))
    (work / "all.txt").write_text("".join(f"{one}\n{other}\n" for one, other, _ in rows))
    (work / "run.yaml").write_text(
        f"run_dir: {work}/run\nglobal_batch: 20\ndata:\n  root: {work}\n  kind: texts\n  train: {{path: "
                                   f"train.tsv}}\n"
        "  text: {format: pairs, tokenizer: {path: vocab.txt, max_tokens: 16}}\nencoder: {name: "
                                   "bag_of_tokens}\n"
        "schedule: {steps: 20, warmup_steps: 2}\nloss: {name: infonce}\nminer: {name: all}\n"
        "evaluate: {data: {path: grades.tsv}, text: {format: pairs}}\n")
    served_model.call(program, work, "tokenizer", "train", "--input", "all.txt", "--vocabulary", "120",
                      "--output", "vocab.txt")
    served_model.call(program, work, "train", "run.yaml")


def look_at(browser, report, name, screenshots):
    for window, look in WINDOWS.items():
        browser.look_as(*look)
        browser.call("POST", "/url", {"url": report.as_uri()})
        browser.text_of("h2", "Headline figures")
        wide = browser.script("return [document.documentElement.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1], f"{name}, {window}: {wide[0]} pixels in {wide[1]}"
        if screenshots:
            browser.screenshot(screenshots / f"{name}-{window}.png", whole=True)
    complaints = browser.complaints()
    assert not complaints, complaints


def check_image(report, image):
    """README's image is of this size and not empty; what is no report is refused."""
    script = ROOT / "docs/images/report_image.py"
    done = subprocess.run([sys.executable, "-B", script, report, image], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    drawn = image.read_bytes()
    assert struct.unpack(">II", drawn[16:24]) == (900, 1083), drawn[:24]
    assert len(drawn) > 30_000, f"{len(drawn)} bytes: an empty page"
    other = image.with_name("other.html")
    other.write_text("<p>something else</p>")
    done = subprocess.run([sys.executable, "-B", script, other, image], capture_output=True, text=True,
                          timeout=120)
    assert done.returncode != 0 and "expected the report of a run" in done.stderr, done.stderr


def main():
    if not browsing.available():
        print("skipped: no chromedriver (Debian's chromium-driver)")
        return SKIPPED
    program = pathlib.Path(sys.argv[1]).resolve()
    screenshots = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        browser = browsing.Browser(work / "browser")
        try:
            for name, make in (("pictures", served_model.of_pictures), ("grades", of_grades)):
                (work / name).mkdir()
                make(program, work / name)
                look_at(browser, work / name / "run/report.html", name, screenshots)
        finally:
            browser.close()
        check_image(work / "pictures/run/report.html", work / "image.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
