#!/usr/bin/env python3
"""The page of `lodestone serve` in headless Chromium. usage: page_test.py LODESTONE [SCREENSHOT.png]

Trains a small model, serves it with a gallery and a token, and does what a person does: chooses two pictures, compares, searches.
Exits with 77 (skipped) without chromedriver.
"""
import pathlib
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import browser as browsing  # noqa: E402
import served_model  # noqa: E402

SKIPPED = 77


def choose(browser, side, picture):
    """Gives a picture to a side of the page, and waits until the page has it."""
    browser.type(f"[data-side={side}] input", picture)
    browser.until(f"document.querySelector('[data-side={side}] img').alt", picture.name)


def use_page(browser, address, work, screenshot):
    browser.call("POST", "/url", {"url": address})
    browser.text_of("#model", "A model of images, step 30; a gallery of 48.")
    browser.click("#compare button")
    browser.text_of("#verdict", "Choose an image")
    choose(browser, "a", work / "pictures/class1/1-0.png")
    choose(browser, "b", work / "pictures/class1/1-0.png")
    browser.click("#compare button")
    browser.text_of("#verdict", "401")
    browser.type("#token", served_model.TOKEN)
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
        served_model.of_pictures(program, work)
        with served_model.Service(program, work) as service:
            browser = browsing.Browser(work / "browser")
            try:
                use_page(browser, service.address, work, sys.argv[2] if len(sys.argv) > 2 else None)
            finally:
                browser.close()
    print("the page does what it says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
