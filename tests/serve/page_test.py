#!/usr/bin/env python3
"""The page of `lodestone serve` in headless Chromium. usage: page_test.py LODESTONE [SCREENSHOTS]

Trains a small model and does what people do with the page: compares two pictures, searches a gallery, and
runs a gate: enrols a person by dropping pictures, identifies another picture of her and a stranger, removes
her. SCREENSHOTS: a folder for pictures of the page, light and dark, on a desk and on a phone. Exits with 77
(skipped) without chromedriver.
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import browser as browsing  # noqa: E402
import served_model  # noqa: E402

SKIPPED = 77


def choose(browser, side, picture):
    """Gives a picture to a side of the page, and waits until the page has it."""
    browser.type(f"[data-side={side}] input", picture)
    wait_for(browser, side, picture)


def drop(browser, side, pictures, paste=False):
    browser.drop(f"[data-side={side}]", pictures, paste)
    wait_for(browser, side, pictures[-1])


def wait_for(browser, side, picture):
    browser.until(f"[...document.querySelectorAll('[data-side={side}] img')].map((one) => one.alt).join()",
                  picture.name)


def open_page(browser, address):
    browser.call("POST", "/url", {"url": address})
    browser.text_of("#told", "401")
    browser.type("#token", served_model.TOKEN + "\ue007")  # and Enter


def look_without_token(browser, service):
    """A service without a token asks for none."""
    browser.call("POST", "/url", {"url": service.address})
    browser.text_of("#model", "a gallery of 48.")
    browser.text_of("#cards", "the same from")
    assert not browser.script("return document.querySelector('#who').checkVisibility()"), \
        "a token is asked for though none is set"


def look(browser, folder, name):
    """The page as others see it: every width and colour holds it without a scroll bar below."""
    for width, scheme in ((1000, "light"), (390, "dark")):
        browser.look_as(width, 900, scheme)
        overflow = browser.script("return document.documentElement.scrollWidth - "
                                  "document.documentElement.clientWidth")
        assert overflow <= 0, f"{name}: {overflow} pixels wider than {width}"
        if folder:
            browser.screenshot(pathlib.Path(folder) / f"{name}-{scheme}.png", whole=True)
    browser.look_as(1000, 900, "light")


def use_page(browser, address, work, screenshots):
    """Compares and searches."""
    open_page(browser, address)
    browser.text_of("#model", "A model of images, step 30; a gallery of 48.")
    browser.text_of("#run", "run")
    browser.text_of("#cards", "the same from")
    cards = browser.text_of("#cards", " %")
    assert "Recall at 1" in cards, cards
    browser.click("#compare button:not([type])")
    browser.text_of("#verdict", "Choose an image")
    choose(browser, "a", work / "pictures/class1/1-0.png")
    drop(browser, "b", [work / "pictures/class1/1-0.png"], paste=True)
    browser.click("#compare button:not([type])")
    assert "similarity 1.0000" in browser.text_of("#verdict", "the same"), "equal pictures are not alike"
    choose(browser, "b", work / "pictures/class5/5-0.png")
    browser.click("#compare button:not([type])")
    browser.text_of("#verdict", "not the same")
    choose(browser, "q", work / "pictures/class3/3-2.png")
    browser.click("#search button:not([type])")
    hits = browser.text_of("#found", "class3/3-2.png")
    assert "1. class3\n1.0000\nthe same" in hits, hits
    assert browser.script("return [...document.querySelectorAll('#found img')].every((one) => "
                          "one.naturalWidth > 0)"), "hits without pictures"
    assert browser.script("return document.querySelectorAll('#found img').length") == 10
    look(browser, screenshots, "search")


def identify(browser, picture):
    """Who the page says is in the picture."""
    browser.script("document.querySelectorAll('[data-side=i] .chosen button').forEach((one) => one.click())")
    browser.script("document.querySelector('#identified').replaceChildren()")
    drop(browser, "i", [picture])
    browser.click("#identify button:not([type])")
    browser.text_of("#identified", "known from")
    return browser.script("return document.querySelector('#identified .answer').innerText")


def enrol(browser, name, pictures):
    browser.type("#name", name)
    drop(browser, "e", pictures)
    browser.click("#enroll button:not([type])")
    browser.text_of("#enrolled", f"{name}: {len(pictures)} photographs")
    browser.text_of("#identities", name)
    browser.script("document.querySelector('#name').value = ''")


def until_listed(service, names):
    """Waits until the service has read the gallery's file."""
    request = urllib.request.Request(service.address + "/gallery",
                                     headers={"Authorization": f"Bearer {served_model.TOKEN}"})
    deadline = time.monotonic() + 30
    while (listed := [one["name"] for one in json.load(urllib.request.urlopen(request, timeout=30))[
        "page"]]) != names:
        assert time.monotonic() < deadline, f"expected {names}, got {listed}"


def keep_gate(program, browser, service, work, screenshots):
    """The metro's gate: who is enrolled passes, until she is removed."""
    ada, stranger = [work / f"pictures/class1/1-{i}.png" for i in range(6)], work / "pictures/class5/5-0.png"
    open_page(browser, service.address)
    browser.text_of("#model", "a gallery of 0.")
    assert identify(browser, ada[5]) == "unknown"
    enrol(browser, "Ada <b>", ada[:4])
    enrol(browser, "Bert", [work / f"pictures/class2/2-{i}.png" for i in range(3)])
    assert identify(browser, ada[5]) == "Ada <b>"
    assert identify(browser, stranger) == "unknown"
    look(browser, screenshots, "gate")
    counts = browser.script("return [...document.querySelectorAll('#identities .number')].map("
                            "(one) => Math.round(one.getBoundingClientRect().right))")
    assert len(set(counts)) == 1, f"counts that are not in one column: {counts}"
    # The same rule, from the file that the service has written.
    served_model.call(program, work, "identify", "--checkpoint", "run", "--gallery", "people.safetensors",
                      "--image", str(ada[5]), "--json", "who.json")
    assert json.loads((work / "who.json").read_text())["answers"][0]["name"] == "Ada <b>"
    # Another process changes the gallery, and the service is told.
    served_model.call(program, work, "gallery", "remove", "people.safetensors", "--name", "Bert")
    service.process.send_signal(signal.SIGHUP)
    until_listed(service, ["Ada <b>"])
    browser.type("#token", "\ue007")
    browser.text_of("#identities-count", "1 identity, 4 rows")
    assert browser.script("return document.querySelector('#who').checkVisibility()"), "no token is asked for"
    browser.text_of("#identities", "Ada <b>")
    browser.click("#identities button")
    browser.text_of("#identities", "really remove?")
    browser.click("#identities button")
    browser.text_of("#removed", "Ada <b> is removed")
    assert identify(browser, ada[5]) == "unknown"
    listed = subprocess.run([program, "gallery", "list", "people.safetensors"], cwd=work, capture_output=True,
                            text=True, check=True)
    assert listed.stdout == "", listed.stdout


def check_complaints(browser):
    # A 401 is a line of the browser's own; anything else is our fault.
    complaints = [message for message in browser.complaints() if "401" not in message]
    assert not complaints, complaints


def main():
    if not browsing.available():
        print("skipped: no chromedriver (Debian's chromium-driver)")
        return SKIPPED
    program, screenshots = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        served_model.of_pictures(program, work)
        browser = browsing.Browser(work / "browser")
        try:
            with served_model.Service(program, work) as service:
                use_page(browser, service.address, work, screenshots)
                check_complaints(browser)
            with served_model.Service(program, work, token=False) as service:
                look_without_token(browser, service)
                check_complaints(browser)
            with served_model.Service(program, work, gallery="people.safetensors") as service:
                keep_gate(program, browser, service, work, screenshots)
                check_complaints(browser)
        finally:
            browser.close()
    print("the page does what it says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
