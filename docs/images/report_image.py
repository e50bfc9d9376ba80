#!/usr/bin/env python3
"""An image of a run's report, as README shows it: report_image.py REPORT.html IMAGE.png

Draws the head of the page, its figures and its nearest neighbours, without the curves between them, in headless Chromium (Debian's chromium-driver).
"""
import pathlib
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tests/support"))
import browser as browsing  # noqa: E402

WINDOW = {"width": 1200, "height": 1444, "mobile": False, "deviceScaleFactor": 0.75}  # pixels of 900 x 1083


def draw(report, image):
    with tempfile.TemporaryDirectory() as folder:
        browser = browsing.Browser(folder)
        try:
            browser.chrome("Emulation.setDeviceMetricsOverride", WINDOW)
            browser.chrome("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "light"}]})
            browser.chrome("Emulation.setScrollbarsHidden", {"hidden": True})
            browser.call("POST", "/url", {"url": report.resolve().as_uri()})
            assert browser.script("return document.querySelector('.headlines, .sheet') !== null"), f"{report}: expected the report of a run"
            browser.script("const curves = document.querySelector('section[aria-labelledby=charts]'); if (curves) curves.remove()")
            browser.screenshot(image)
        finally:
            browser.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    if not browsing.available():
        sys.exit("expected chromedriver on PATH: install chromium-driver")
    draw(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
