"""Headless Chromium, driven through chromedriver. Debian: chromium-driver."""
import base64
import json
import pathlib
import shutil
import subprocess
import time
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def available():
    return shutil.which("chromedriver") is not None


class Browser:
    """A WebDriver session."""

    def __init__(self, folder):
        """`folder`: of the browser's own files."""
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.root = f"http://127.0.0.1:{line.split()[-1].rstrip('.')}/session"
                break
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            f"--user-data-dir={folder}",
                            "--window-size=1000,900"]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}
        self.root += "/" + self.call("POST", "", {"capabilities": wanted})["sessionId"]

    def call(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"},
                                         method=method)
        return json.load(urllib.request.urlopen(request, timeout=60))["value"]

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def type(self, selector, text):
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": str(text)})

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def drop(self, selector, paths, paste=False):
        """Drops files on an element, or pastes them into it."""
        files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
        event = ("new ClipboardEvent('paste', {clipboardData: data, " if paste
                 else "new DragEvent('drop', {dataTransfer: data, ")
        self.script(f"const data = new DataTransfer(); for (const [name, text] of {json.dumps(files)}) "
                    f"data.items.add(new File("
                    "[Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, {type: 'image/png'}));"
                    f"document.querySelector({json.dumps(selector)}).dispatchEvent({event}bubbles: true, "
                    f"cancelable: true}}))")

    def press(self, key):
        """A key, to whatever has the focus."""
        actions = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

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

    def look_as(self, width, height, scheme):
        """Makes the window so large, phones included, and the reader's colours "light" or "dark"."""
        self.chrome("Emulation.setDeviceMetricsOverride",
                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.chrome("Emulation.setEmulatedMedia",
                    {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def chrome(self, command, parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def screenshot(self, path, whole=False):
        """The window, or the whole page, as a PNG."""
        data = (self.chrome("Page.captureScreenshot", {"captureBeyondViewport": True})["data"] if whole
                else self.call("GET", "/screenshot"))
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def complaints(self):
        """What the browser has logged."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(30)
