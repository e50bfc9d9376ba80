#!/usr/bin/env python3
"""The page of `lodestone serve` in headless Chromium. usage: page_test.py LODESTONE [SCREENSHOT.png]

Trains a small model, serves it with a gallery and a token, and does what a person does: chooses two pictures, compares, searches.
Exits with 77 (skipped) without chromedriver.
"""
import pathlib
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import browser as browsing  # noqa: E402
import pictures  # noqa: E402

SKIPPED = 77


def make_model(program, work):
    """Pictures of eight classes, a model that was trained on them, a threshold, a gallery."""
    pictures.make_classes(work / "pictures")
    (work / "run.yaml").write_text(
        f"run_dir: {work}/run\nglobal_batch: 16\ndata:\n  root: {work}\n  train: {{path: pictures}}\n  image: {{width: 16, height: 16}}\n"
        "sampler: {samples_per_class: 4}\nencoder: {name: conv4, channels: [8, 8, 8], embedding: 8}\n"
        "schedule: {steps: 30, warmup_steps: 2}\nevaluate: {data: {path: pictures}, floor: false}\n")
    for words in (["train", "run.yaml"], ["evaluate", "run", "--calibrate", "0.05"],
                  ["embed", "run", "--input", "pictures", "--output", "gallery.safetensors"]):
        subprocess.run([program, *words], cwd=work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def choose(browser, side, picture):
    """Gives a picture to a side of the page, and waits until the page has it."""
    browser.type(f"[data-side={side}] input", picture)
    browser.until(f"document.querySelector('[data-side={side}] img').alt", picture.name)


def use_page(browser, address, work, screenshot):
    browser.call("POST", "/url", {"url": address})
    browser.text_of("#model", "A model of pictures, step 30; a gallery of 48.")
    browser.click("#compare button")
    browser.text_of("#verdict", "Choose a picture")
    choose(browser, "a", work / "pictures/class1/1-0.png")
    choose(browser, "b", work / "pictures/class1/1-0.png")
    browser.click("#compare button")
    browser.text_of("#verdict", "401")
    browser.type("#token", "open sesame")
    browser.click("#compare button")
    assert "similarity 1.0000" in browser.text_of("#verdict", "the same"), "equal pictures are not alike"
    choose(browser, "b", work / "pictures/class5/5-0.png")
    browser.click("#compare button")
    browser.text_of("#verdict", "not the same")
    choose(browser, "q", work / "pictures/class3/3-2.png")
    browser.click("#search button")
    first = browser.text_of("#found", "class3/3-2.png").split("\n")[1]
    assert first.startswith("1\tclass3\t1.0000\tthe same"), first
    if screenshot:
        browser.screenshot(screenshot)
    # The 401 above is a line of the browser's own; anything else is our fault.
    complaints = [message for message in browser.complaints() if "401" not in message]
    assert not complaints, complaints


def main():
    if not browsing.available():
        print("skipped: no chromedriver (Debian's chromium-driver)")
        return SKIPPED
    program = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        make_model(program, work)
        (work / "token").write_text("open sesame\n")
        service = subprocess.Popen([program, "serve", "run", "--gallery", "gallery.safetensors", "--port", "0", "--token-file", "token"],
                                   cwd=work, stdout=subprocess.PIPE, text=True)
        try:
            address = service.stdout.readline().removeprefix("serving at ").strip()
            browser = browsing.Browser(work / "browser")
            try:
                use_page(browser, address, work, sys.argv[2] if len(sys.argv) > 2 else None)
            finally:
                browser.close()
        finally:
            service.terminate()
            code = service.wait(30)
        assert code == 0, f"the service ended with {code}"
    print("the page does what it says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
