#!/usr/bin/env python3
"""The page of `lodestone serve` in headless Chromium. usage: page_test.py LODESTONE [SCREENSHOT.png]

Trains a small model, serves it with a gallery and a token, and does what a person does: chooses two pictures, compares, searches.
Exits with 77 (skipped) without chromedriver.
"""
import base64
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
import zlib

SKIPPED = 77
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """A WebDriver session."""

    def __init__(self, folder):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.root = f"http://127.0.0.1:{line.split()[-1].rstrip('.')}/session"
                break
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}",
                            "--window-size=1000,900"]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        self.root += "/" + self.call("POST", "", {"capabilities": wanted})["sessionId"]

    def call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        return json.load(urllib.request.urlopen(request, timeout=60))["value"]

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def type(self, selector, text):
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": str(text)})

    def choose(self, side, picture):
        """Gives a picture to a side of the page, and waits until the page has it."""
        self.type(f"[data-side={side}] input", picture)
        self.until(f"document.querySelector('[data-side={side}] img').alt", picture.name)

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def script(self, text):
        return self.call("POST", "/execute/sync", {"script": text, "args": []})

    def until(self, expression, wanted):
        """The value of the expression as soon as it holds `wanted`."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            text = self.script("return " + expression)
            if wanted in text:
                return text
        raise AssertionError(f"{expression}: expected {wanted!r}, got {text!r}")

    def text_of(self, selector, wanted):
        return self.until(f"document.querySelector({json.dumps(selector)}).innerText", wanted)

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(30)


def png(side, pixels):
    """A grey PNG."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + pixels[y * side:(y + 1) * side] for y in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_model(program, work):
    """Pictures of eight classes, a model that was trained on them, a threshold, a gallery."""
    draw = random.Random(1)
    for c in range(8):
        shape = [draw.randrange(180) for _ in range(256)]
        folder = work / "pictures" / f"class{c}"
        folder.mkdir(parents=True)
        for s in range(6):
            pixels = bytes(value + draw.randrange(70) for value in shape)
            (folder / f"{c}-{s}.png").write_bytes(png(16, pixels))
    (work / "run.yaml").write_text(
        f"run_dir: {work}/run\nglobal_batch: 16\ndata:\n  root: {work}\n  train: {{path: pictures}}\n  image: {{width: 16, height: 16}}\n"
        "sampler: {samples_per_class: 4}\nencoder: {name: conv4, channels: [8, 8, 8], embedding: 8}\n"
        "schedule: {steps: 30, warmup_steps: 2}\nevaluate: {data: {path: pictures}, floor: false}\n")
    for words in (["train", "run.yaml"], ["evaluate", "run", "--calibrate", "0.05"],
                  ["embed", "run", "--input", "pictures", "--output", "gallery.safetensors"]):
        subprocess.run([program, *words], cwd=work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def use_page(browser, address, work, screenshot):
    browser.call("POST", "/url", {"url": address})
    browser.text_of("#model", "A model of pictures, step 30; a gallery of 48.")
    browser.click("#compare button")
    browser.text_of("#verdict", "Choose a picture")
    browser.choose("a", work / "pictures/class1/1-0.png")
    browser.choose("b", work / "pictures/class1/1-0.png")
    browser.click("#compare button")
    browser.text_of("#verdict", "401")
    browser.type("#token", "open sesame")
    browser.click("#compare button")
    assert "similarity 1.0000" in browser.text_of("#verdict", "the same"), "equal pictures are not alike"
    browser.choose("b", work / "pictures/class5/5-0.png")
    browser.click("#compare button")
    browser.text_of("#verdict", "not the same")
    browser.choose("q", work / "pictures/class3/3-2.png")
    browser.click("#search button")
    first = browser.text_of("#found", "class3/3-2.png").split("\n")[1]
    assert first.startswith("1\tclass3\t1.0000\tthe same"), first
    if screenshot:
        pathlib.Path(screenshot).write_bytes(base64.b64decode(browser.call("GET", "/screenshot")))
    # The 401 above is a line of the browser's own; anything else is our fault.
    complaints = [entry["message"] for entry in browser.call("POST", "/se/log", {"type": "browser"}) if "401" not in entry["message"]]
    assert not complaints, complaints


def main():
    if not shutil.which("chromedriver"):
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
            browser = Browser(work / "browser")
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
