#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browser.py CHROMIUM PAGE SCREENSHOTS [look] : opens a page of `plyctl report` in headless Chromium and uses it as people do. The page has the
stack that tests/plyctl/report makes. With `look` it is only looked at, whatever stack it has. Screenshots are left in a directory. Chromium is driven by the DevTools protocol over a pipe."""
import base64
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
import zlib

PATIENCE = 60


class Browser:
    def __init__(self, program, folder):
        to_browser, self.out = os.pipe()
        self.incoming, from_browser = os.pipe()

        def three_and_four():
            high = os.dup(from_browser)  # 3 may be in the way of 4
            os.dup2(to_browser, 3)
            os.dup2(high, 4)

        os.set_inheritable(to_browser, True)
        os.set_inheritable(from_browser, True)
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
             "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
             "--user-data-dir=" + folder, "about:blank"],
            pass_fds=(3, 4), preexec_fn=three_and_four, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session, self.events = b"", 0, None, []
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def read(self):
        while b"\0" not in self.buffer:
            if not select.select([self.incoming], [], [], PATIENCE)[0]:
                raise TimeoutError("Chromium says nothing")
            data = os.read(self.incoming, 1 << 20)
            if not data:
                raise EOFError("Chromium has ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(method + ": " + answer["error"]["message"])
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(expression + ": " + json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    def until(self, expression):
        end = time.monotonic() + PATIENCE
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise TimeoutError(expression)
            time.sleep(0.02)

    def open(self, page, width, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url="file://" + page)
        self.until("document.readyState === 'complete' && document.querySelectorAll('#map .tile').length > 0")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {"text": key} if len(key) == 1 and kind == "keyDown" else {}
            code = {"Enter": 13, "Backspace": 8, "Escape": 27}.get(key, 0)
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text)

    # A real click in the middle of what is at the top left of an element.
    def click(self, selector):
        x, y = self.evaluate("(() => { const e = %s; e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect(); "
                             "return [b.left + Math.min(b.width / 2, 20), b.top + Math.min(b.height / 2, 8)]; })()" % selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path):
        height = self.evaluate("Math.min(document.documentElement.scrollHeight, 4000)")
        width = self.evaluate("innerWidth")
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                                          clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})["data"])
        with open(path, "wb") as f:
            f.write(data)
        return data

    def end(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (OSError, EOFError, TimeoutError):
            pass
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def colours(png):
    """(width, the share of each colour) of a picture without interlacing."""
    at, data = 8, b""
    width = height = channels = 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", body[:10])
            channels = {2: 3, 6: 4}[colour]
        elif kind == b"IDAT":
            data += body
        at += 12 + length
    raw, stride, before, count = zlib.decompress(data), width * channels, None, {}
    before = bytearray(stride)
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            a = line[x - channels] if x >= channels else 0
            b = before[x]
            c = before[x - channels] if x >= channels else 0
            if kind == 1:
                line[x] = (line[x] + a) & 255
            elif kind == 2:
                line[x] = (line[x] + b) & 255
            elif kind == 3:
                line[x] = (line[x] + (a + b) // 2) & 255
            elif kind == 4:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                line[x] = (line[x] + (a if pa <= pb and pa <= pc else b if pb <= pc else c)) & 255
        before = line
        if y % 8 == 0:
            for x in range(0, stride, channels * 4):
                key = bytes(line[x:x + 3])
                count[key] = count.get(key, 0) + 1
    total = sum(count.values())
    return width, {key: n / total for key, n in count.items()}


TITLE = "document.querySelector('#crumbs b').textContent"


def tile(name):
    return "[...document.querySelectorAll('#map .tile')].find((t) => t.getAttribute('aria-label').startsWith(%s))" % json.dumps(name + ", ")


def use(browser, page):
    checks = []

    def check(text, value, want=True):
        checks.append((text, value == want, value))

    browser.open(page, 1280)
    check("the layers are there", browser.evaluate("document.querySelectorAll('#layers > li').length"), 3)
    heights = browser.evaluate("[...document.querySelectorAll('#column > div')].map((e) => e.getBoundingClientRect().height)")
    sizes = browser.evaluate("JSON.parse(document.getElementById('data').textContent).layers.map((l) => l.size)")
    check("the stack is to scale", all(abs(h / sum(heights) - s / sum(sizes)) < 0.01 for h, s in zip(heights, sizes)))
    check("the root is open", browser.evaluate(TITLE), "/")
    browser.click(tile("usr"))
    check("a click enters a folder", browser.evaluate(TITLE), "usr")
    browser.press("Enter")
    check("Enter enters the folder in focus", browser.evaluate(TITLE), "lib")
    browser.press("Backspace")
    check("Backspace goes back", browser.evaluate(TITLE), "usr")
    browser.evaluate("history.back()")
    browser.until(TITLE + " === 'lib' || " + TITLE + " === '/'")
    browser.click("document.querySelector('#crumbs button')")
    check("a crumb goes back", browser.evaluate(TITLE), "/")
    browser.evaluate("document.querySelector('#map .tile').focus()")
    before = browser.evaluate("document.activeElement.getAttribute('aria-label')")
    browser.press("ArrowRight")
    after = browser.evaluate("document.activeElement.getAttribute('aria-label')")
    check("an arrow key moves to another tile", after is not None and after != before)
    browser.evaluate("document.activeElement.blur()")
    browser.press("/")
    check("a slash begins a search", browser.evaluate("document.activeElement.id"), "search")
    browser.call("Input.insertText", text="LIB big.bin")
    browser.until("!document.getElementById('found').hidden && document.querySelectorAll('#found td.path').length === 1")
    browser.click("document.querySelector('#found td.path button')")
    check("what is found opens", browser.evaluate("document.querySelector('#detail h3').textContent"), "/usr/lib/big.bin")
    check("all versions are told", browser.evaluate("document.querySelectorAll('#detail li').length"), 2)
    browser.press("Escape")
    browser.click("document.querySelector('#layers > li:nth-child(1) button')")
    check("a layer can be chosen", browser.evaluate("document.querySelectorAll('#layers .facts').length"), 1)
    browser.click("document.querySelector('#layers > li.on button')")
    browser.click("document.querySelector('[data-mode=hidden]')")
    check("hidden bytes can be drawn", browser.evaluate("document.querySelectorAll('#map .tile').length") > 0)
    hostile = browser.evaluate("window.pwned === undefined && document.querySelectorAll('img, iframe, object, [onerror]').length === 0 && "
                               "document.scripts.length === 2")
    check("names of files are text", hostile)
    browser.evaluate("document.getElementById('search').value = 'onerror'; document.getElementById('search').dispatchEvent(new Event('input'))")
    browser.until("document.querySelectorAll('#found td.path').length >= 3")
    check("names of files are text in a list too", browser.evaluate("window.pwned === undefined && document.images.length === 0"))
    check("nothing runs without the nonce", browser.evaluate(
        "(() => { const s = document.createElement('div'); s.innerHTML = '<b onclick=\"window.pwned = 1\">'; document.body.append(s); "
        "s.firstChild.click(); const clean = window.pwned === undefined; s.remove(); return clean; })()"))
    expected = [e for e in browser.events if "Content Security Policy" in json.dumps(e)]
    browser.events = [e for e in browser.events if e not in expected]

    return checks + look(browser, page)


def look(browser, page):
    checks, shots = [], {}

    def check(text, value, want=True):
        checks.append((text, value == want, value))

    for width in (1280, 390):
        for dark in (False, True):
            browser.open(page, width, dark)
            name = "%d%s" % (width, "-dark" if dark else "")
            shots[name] = browser.screenshot(os.path.join(sys.argv[3], name + ".png"))
            check(name + ": nothing is wider than the window",
                  browser.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth)"), width)
    for name in ("1280", "390-dark"):
        width, share = colours(shots[name])
        check(name + ": the picture has its width", width, int(name.split("-")[0]))
        check(name + ": the picture isn't blank", len(share) > 20 and max(share.values()) < 0.8)
        brightness = sum(sum(key) * part for key, part in share.items()) / 3
        check(name + ": it is " + ("dark" if "dark" in name else "light"), (brightness < 110) == ("dark" in name))

    errors = [e for e in browser.events if e.get("method") == "Runtime.exceptionThrown" or
              e.get("method") == "Runtime.consoleAPICalled" and e["params"]["type"] in ("error", "warning", "assert") or
              e.get("method") == "Log.entryAdded" and e["params"]["entry"]["level"] in ("error", "warning")]
    check("the console has no error", errors, [])
    asked = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    check("nothing but the page is loaded", [u for u in asked if u.split("#")[0] not in ("file://" + page, "about:blank")], [])
    return checks


def main():
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(sys.argv[1], folder)
        try:
            checks = (look if sys.argv[4:] else use)(browser, os.path.realpath(sys.argv[2]))
        finally:
            browser.end()
    for text, good, value in checks:
        print(("ok: " if good else "FAIL: ") + text + ("" if good else ": " + json.dumps(value)))
    return 0 if all(good for _, good, _ in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
