#!/usr/bin/env python3
"""The live page of a run of two ranks in headless Chromium.

usage: live_page_test.py LODESTONE MPIRUN [FOLDER FOR SCREENSHOTS]

What it shows; that it fits a phone and reads well in light and dark; that the keyboard reaches everything,
visibly; what a screen reader is told; and that it says when the run is gone. Exits with 77 (skipped) without
chromedriver.
"""
import base64
import json
import pathlib
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import browser as browsing  # noqa: E402
import small_run  # noqa: E402

SKIPPED, STOPPED = 77, 75
TAB = "\ue004"
PASSWORD = {"Authorization": "Basic " + base64.b64encode(b"ali:open sesame").decode()}

# The least contrast of any text with what lies behind it, and by how much the page is wider than the window.
CONTRAST = """
const light = (c) => { const v = c.map((x) => (x /= 255) <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
  return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
const colour = (text) => text.match(/[\\d.]+/g).map(Number);
let least = 99, where = '';
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const node = walk.currentNode.parentElement;
  if (!walk.currentNode.textContent.trim() || !node.checkVisibility() ||
      node.closest('noscript, script, .unseen, .skip')) continue;
  let behind = node, back;
  do {
    back = colour(getComputedStyle(behind).backgroundColor);
    behind = behind.parentElement;
  } while (back.length > 3 && back[3] === 0 && behind);
  const style = getComputedStyle(node), ink = colour(node instanceof SVGElement ? style.fill : style.color);
  const [a, b] = [light(ink.slice(0, 3)), light(back.slice(0, 3))].sort((x, y) => y - x);
  const contrast = (a + .05) / (b + .05);
  if (contrast < least) { least = contrast; where = walk.currentNode.textContent.trim().slice(0, 40); }
}
return JSON.stringify({least, where, over: document.documentElement.scrollWidth - window.innerWidth});
"""
SHOWN = """
const texts = (selector) => [...document.querySelectorAll(selector)].map((node) => node.innerText);
return JSON.stringify({figures: texts('#figures dt'), left: texts('#figures dd')[2],
  facts: texts('#facts div'), curves: texts('#curves figcaption'), phases: texts('#phases th'),
  points: document.querySelectorAll('#plane .mark').length, ranks: texts('#ranks tbody tr'),
  pictures: [...document.querySelectorAll('#triplets img')].map((image) => image.naturalWidth),
  checkpoints: texts('#checkpoints tbody tr'), config: document.querySelector('#config').textContent});
"""
# What has the focus: a name for it, and whether one sees that it has.
FOCUS = """
const node = document.activeElement, style = getComputedStyle(node), box = node.getBoundingClientRect();
return JSON.stringify({name: node.id || node.className || node.tagName, seen: style.outlineStyle !== 'none' &&
  parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.left >= 0 && box.left < innerWidth &&
  box.top < innerHeight && box.bottom > 0});
"""


def check_contents(browser):
    browser.until("String(document.querySelectorAll('#triplets img').length > 2 && "
                  "document.querySelectorAll('#plane .mark').length > 2)", "true")
    browser.text_of("#state", "Training.")
    browser.text_of("#checkpoints", "KiB")
    browser.text_of("#curves", "Evaluation")
    shown = json.loads(browser.script(SHOWN))
    for figure in ("Step", "Time left", "Loss", "Recall at 1", "Samples a second", "Ranks", "Restarts"):
        assert figure in shown["figures"], shown["figures"]
    assert ":" in shown["left"] or " d " in shown["left"], shown["left"]
    for curve in ("Loss", "Evaluation", "Cosine", "Effective rank", "Alignment", "Gradient norm",
                  "Learning rate"):
        assert any(title.startswith(curve) for title in shown["curves"]), shown["curves"]
    assert len(shown["phases"]) == 7 and len(shown["ranks"]) == 2 and len(shown["checkpoints"]) == 1, shown
    assert len(shown["pictures"]) >= 3 and all(width == 16 for width in shown["pictures"]), shown["pictures"]
    assert any("conv4" in fact for fact in shown["facts"]), shown["facts"]
    assert "encoder:" in shown["config"] and "sesame" not in shown["config"], shown["config"]


def check_looks(browser, screenshots):
    for width in (375, 1280):
        for scheme in ("light", "dark"):
            browser.look_as(width, 900, scheme)
            found = json.loads(browser.script(CONTRAST))
            assert found["least"] >= 4.5 and found["over"] <= 0, (width, scheme, found)
            if screenshots:
                browser.screenshot(pathlib.Path(screenshots) / f"live-{width}-{scheme}.png", whole=True)


def check_keyboard(browser):
    """From the first Tab on, in the page's order; what has the focus is outlined; a key opens the
    configuration."""
    def tab():
        browser.press(TAB)
        focus = json.loads(browser.script(FOCUS))
        assert focus["seen"], focus
        return focus["name"]
    reached = [tab() for _ in range(4)]
    assert reached == ["skip", "ranks-scroll", "checkpoints-scroll", "SUMMARY"], reached
    browser.press(" ")
    assert browser.script("return document.querySelector('details').open") is True
    assert tab() == "config"


def check_screen_reader(browser):
    """The browser's own accessibility tree: landmarks, headings, and a name for whatever carries meaning."""
    nodes = [node for node in browser.chrome("Accessibility.getFullAXTree", {})["nodes"]
             if not node.get("ignored")]
    named = {}
    for node in nodes:
        named.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    for role in ("banner", "main", "status"):
        assert role in named, sorted(named)
    headings = named["heading"]
    for title in ("Curves", "Where a step's time goes", "Embeddings in the plane", "Hardest triplets",
                  "Ranks", "Checkpoints", "Notices",
                  "Run and configuration"):
        assert title in headings and title in named["region"], (title, headings, named["region"])
    for role in ("image", "meter", "progressbar", "region", "link", "table"):
        assert named.get(role) and all(named[role]), (role, named.get(role))
    assert any(name.startswith("Loss, steps") for name in named["image"]), named["image"]
    assert any(name.startswith("Anchor: class") for name in named["image"]), named["image"]
    assert "Rank" in named["columnheader"] and "backward" in named["rowheader"], (
        named["columnheader"], named["rowheader"])


def check_end(browser):
    """The page says that nobody answers any more."""
    browser.text_of("#state", "No answer")
    # The browser's own lines on a server that is gone; anything else is our fault.
    complaints = [message for message in browser.complaints() if "net::ERR_" not in message]
    assert not complaints, complaints


def look_at(run, browser, screenshots):
    browser.call("POST", "/url", {"url": f"http://ali:open%20sesame@127.0.0.1:{run.port}/"})
    run.ask("/checkpoint", 0, "POST", PASSWORD)
    check_contents(browser)
    check_looks(browser, screenshots)
    check_keyboard(browser)
    check_screen_reader(browser)
    code = run.stop()
    assert code == STOPPED, f"the run ended with {code}"
    check_end(browser)


def main():
    if not browsing.available():
        print("skipped: no chromedriver (Debian's chromium-driver)")
        return SKIPPED
    screenshots = sys.argv[3] if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "password").write_text("open sesame\n")
        settings = ["checkpoint.every_steps=0", "evaluate.every=100", "evaluate.data.path=pictures",
                    "evaluate.floor=false",
                    "metrics.user=ali", f"metrics.password_file={folder}/password"]
        with small_run.Run(folder, sys.argv[1], sys.argv[2], settings=settings) as run:
            run.wait_for_steps()
            browser = browsing.Browser(pathlib.Path(folder) / "browser")
            try:
                look_at(run, browser, screenshots)
            except AssertionError:
                print(*browser.complaints(), sep="\n")
                raise
            finally:
                browser.close()
    print("the live page shows the run, on a phone and on a desk, in light and dark, by keyboard and to a "
          "screen reader")
    return 0


if __name__ == "__main__":
    sys.exit(main())
