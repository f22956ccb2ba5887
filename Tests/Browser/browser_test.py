#!/usr/bin/env python3
"""Looks at the console through Chromium, as an agent does. One line per check, a last line with the sums.

    browser_test.py --url URL --login NAME --password PASSWORD --deliver COMMAND [--login-zh NAME] [--screenshots DIR]

COMMAND gets a subject as its last argument and returns when one new mail with it has been handed to the mail server.
Needs the Python package selenium, and chromium with its driver.
"""
import argparse
import os
import shlex
import subprocess
import sys
import time

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

DESKTOP, PHONE = (1440, 900), (390, 844)
LATENCY_MAX_SECONDS = 1.0

# Contrast of every visible text against what stands behind it (WCAG 2.2, 1.4.3). Returns what falls short.
CONTRAST = """
const rgb = text => { const m = text.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
const lum = c => { const f = c.slice(0, 3).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
  return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
const ground = el => { for (; el; el = el.parentElement) { const c = rgb(getComputedStyle(el).backgroundColor); if (c[3] > .5) return c; } return [255, 255, 255, 1]; };
const bad = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const node = walker.currentNode, el = node.parentElement;
  if (!node.data.trim() || !el.checkVisibility({ visibilityProperty: true }) || el.closest('.unseen, .skip, [disabled], option, noscript')) continue;
  const style = getComputedStyle(el), a = lum(rgb(style.color)), b = lum(ground(el));
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
  if (ratio < (large ? 3 : 4.5)) bad.add(node.data.trim().slice(0, 30) + ' ' + ratio.toFixed(2));
}
return [...bad];
"""

# Controls without a name, pictures without a text, doubled ids, headings missing.
NAMES = """
const bad = [];
const name = el => el.getAttribute('aria-label') || el.textContent.trim() || el.title || el.value
  || (el.id && document.querySelector(`label[for="${el.id}"]`)?.textContent.trim()) || el.closest('label')?.textContent.trim();
for (const el of document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea, summary, iframe')) if (!name(el)) bad.push(el.outerHTML.slice(0, 80));
for (const el of document.querySelectorAll('img:not([alt]), svg:not([aria-hidden]):not([aria-label])')) bad.push(el.outerHTML.slice(0, 80));
const ids = [...document.querySelectorAll('[id]')].map(el => el.id);
for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) bad.push('doubled id ' + id);
if (!document.querySelector('h1')) bad.push('no h1');
if (!document.querySelector('main')) bad.push('no main');
return bad;
"""


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def __call__(self, name, fine, detail=""):
        if fine:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok  ' if fine else 'FAIL'} {name}{f': {detail}' if detail and (not fine or isinstance(detail, str)) else ''}", flush=True)
        return fine


class Look:
    """One browser and one agent."""

    def __init__(self, options, login, shots):
        flags = webdriver.ChromeOptions()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--lang=en"):
            flags.add_argument(flag)
        flags.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        flags.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        service = webdriver.ChromeService(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver"))
        self.driver = webdriver.Chrome(options=flags, service=service)
        self.driver.set_page_load_timeout(30)
        self.options, self.login, self.shots = options, login, shots
        self.complaints = []

    def size(self, size):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE})

    def dark(self, on):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]})

    def get(self, path):
        self.driver.get(self.options.url + path)

    def one(self, css):
        """Waits for it: a click may lead to a page that is still on its way."""
        self.wait(lambda: self.all(css))
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, what, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if found := what():
                    return found
            except WebDriverException:
                pass  # replaced under our hands by a live update
            time.sleep(0.02)
        return False

    def keys(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def blur(self):
        self.js("document.activeElement?.blur()")

    def shot(self, name):
        if self.shots:
            self.driver.save_screenshot(f"{self.shots}/{name}.png")
        self.collect()

    def collect(self):
        """What the console of the browser complained about; a refused style or script shows here."""
        for entry in self.driver.get_log("browser"):
            if entry["level"] == "SEVERE" and "/live" not in entry["message"] and "401" not in entry["message"] and "422" not in entry["message"]:
                self.complaints.append(entry["message"][:200])

    def sign_in(self, password=None):
        self.get("/login")
        self.one("#login").send_keys(self.login)
        self.one("#password").send_keys(password or self.options.password)
        self.one("form button").click()

    def wide(self):
        return self.js("return document.documentElement.scrollWidth > innerWidth + 1")


def deliver(options, subject):
    subprocess.run(shlex.split(options.deliver) + [subject], check=True, stdout=subprocess.DEVNULL)


def check_login(look, check):
    look.size(DESKTOP)
    look.get("/tickets/1")
    check("a page without a session leads to the login", "/login" in look.driver.current_url)
    look.shot("login")
    look.sign_in("wrong")
    check("a wrong password says so and names nobody", "wrong" in look.one(".alert").text.lower())
    look.sign_in()
    check("the right password opens the inbox", look.wait(lambda: look.all("#list .item")))


def check_inbox(look, check):
    items = look.all("#list .items a[data-ticket]")
    check("the inbox lists tickets", len(items) > 0, f"{len(items)} tickets")
    check("the live sign is on", look.wait(lambda: look.all("#live.on")))
    check("nothing is wider than the window", not look.wide())
    items[0].click()
    check("a click opens the conversation in place", look.wait(lambda: look.all("#thread .msg")) and "/tickets/" in look.driver.current_url)
    check("an opened ticket is marked in the list", len(look.all("#list a[aria-current=true]")) == 1)
    check("the panel tells why it is here", look.js("const p = document.querySelector('.why'); p.open = true; return p.querySelectorAll('li').length") > 0)
    look.shot(f"{look.tongue}-desktop-why")
    look.js("document.querySelector('.why').open = false")
    check("every control has a name", not (bad := look.js(NAMES)), str(bad))
    check("light: every text has enough contrast", not (bad := look.js(CONTRAST)), str(bad))
    look.shot(f"{look.tongue}-desktop")


def check_arrival(look, check):
    look.get("/?view=open")
    look.wait(lambda: look.all("#live.on"))
    subject = f"Arrives while you look {int(time.time())}"
    look.js("window.untouched = true")
    # The page itself notes when the words appear; polling from here would add its own delay.
    look.js("""
      window.seenAt = 0;
      new MutationObserver(() => { if (!window.seenAt && document.getElementById('list')?.textContent.includes(arguments[0])) window.seenAt = Date.now(); }
      ).observe(document.body, { childList: true, subtree: true, characterData: true });""".replace("arguments[0]", repr(subject)))
    deliver(look.options, subject)
    handed = time.time()
    seen = look.wait(lambda: look.js("return window.seenAt"), 30)
    late = (seen / 1000 - handed) if seen else None
    check("a mail that arrives appears without a reload", bool(seen) and look.js("return window.untouched === true"))
    check(f"within {LATENCY_MAX_SECONDS:g} s", late is not None and late <= LATENCY_MAX_SECONDS, f"{max(late, 0):.3f} s after the mail server had it" if late is not None else "never")
    check("its arrival is announced to screen readers", look.wait(lambda: subject in look.js("return document.getElementById('announce').textContent")))
    # A live update may put a new list in the place of the one just looked at.
    look.wait(lambda: any(subject in each.text and (each.click() or True) for each in look.all("#list a[data-ticket]")))
    check("it can be opened", look.wait(lambda: subject in look.one("#main h1").text))
    return subject


def check_answer(look, check):
    number = look.one("#main").get_attribute("data-number")
    before = len(look.all(".msg.out"))
    look.one("#text").send_keys("Dear Eva,\n\nwe are on it. **Today.**")
    look.js("document.getElementById('composer').requestSubmit(document.querySelector('.for-reply button')); document.getElementById('composer').requestSubmit(document.querySelector('.for-reply button'));")
    check("an answer appears in the conversation", look.wait(lambda: len(look.all(".msg.out")) > before))
    time.sleep(0.5)
    check("a double submit sends one answer", len(look.all(".msg.out")) == before + 1, f"{len(look.all('.msg.out')) - before}")
    check("the answer box is empty again", look.wait(lambda: look.one("#text").get_attribute("value") == ""))
    look.one("#text").send_keys("kept over a reload")
    look.driver.refresh()
    check("an unsent answer survives a reload", look.wait(lambda: look.one("#text").get_attribute("value") == "kept over a reload"))
    look.one("#text").clear()
    look.one("#text").send_keys("x" + Keys.BACKSPACE)
    return number


def check_split(look, check):
    """A mail that quotes: its new words stand alone, the rest opens without a script, and a wrong cut is taken back."""
    look.size(DESKTOP)
    for subject, words, hidden in (("Quote for 40 desk lamps", "engrave a small logo", "we are furnishing"), ("发票抬头开错了", "请问有进展了吗", "上周订单 20931")):
        look.get("/?view=open")
        link = look.wait(lambda: next((each for each in look.all("#list a[data-ticket]") if subject in each.text), None))
        look.get(link.get_attribute("href").removeprefix(look.options.url))
        card = next(each for each in look.all("#thread .msg") if words in each.text)
        fold = card.find_element(By.CSS_SELECTOR, "details.fold:not(.sent):not(.split)")
        check(f"{look.tongue}: {subject}: what is quoted is folded", hidden not in card.text and not fold.get_attribute("open"))
        fold.find_element(By.TAG_NAME, "summary").click()
        check(f"{look.tongue}: {subject}: and unfolds", look.wait(lambda: hidden in card.text) and not look.wide())
        check(f"{look.tongue}: {subject}: unfolded, names and contrast", not (bad := look.js(NAMES) + look.js(CONTRAST)), str(bad))
        look.js("arguments[0].scrollIntoView({block: 'center'})", fold)
        look.shot(f"{look.tongue}-split-{'zh' if '发票' in subject else 'en'}")
    look.size(PHONE)
    look.js("arguments[0].scrollIntoView({block: 'center'})", fold)
    check(f"{look.tongue}: nothing is wider than the phone", not look.wide())
    look.shot(f"{look.tongue}-split-phone")
    look.size(DESKTOP)
    if look.tongue == "zh":
        fold.find_element(By.CSS_SELECTOR, ".undo button").click()
        card = look.wait(lambda: next((each for each in look.all("#thread .msg") if words in each.text and hidden in each.text), None))
        check("a wrong cut is taken back", bool(card) and not card.find_elements(By.CSS_SELECTOR, "details.fold:not(.sent):not(.split)"))


def check_keys(look, check):
    look.blur()
    look.keys("n")
    check("n opens the note", look.js("return document.getElementById('mode-note').checked && document.activeElement.id === 'text'"))
    look.keys("jkea/?")
    check("no key fires while typing", look.one("#text").get_attribute("value") == "jkea/?" and not look.js("return document.getElementById('keys').open"))
    ActionChains(look.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    check("Ctrl+Enter adds the note", look.wait(lambda: any("jkea/?" in note.text for note in look.all(".msg.note"))))
    look.blur()
    look.keys("r")
    check("r opens the reply", look.js("return document.getElementById('mode-reply').checked && document.activeElement.id === 'text'"))
    look.keys(Keys.ESCAPE)
    check("Escape leaves the box", look.js("return document.activeElement.id !== 'text'"))
    look.keys("a")
    check("a assigns to me", look.wait(lambda: look.js("const s = document.getElementById('assign'); return s.selectedIndex > 0")))
    look.keys("?")
    check("? shows the keys", look.js("return document.getElementById('keys').open"))
    look.shot(f"{look.tongue}-keys")
    look.keys(Keys.ESCAPE)
    look.keys("j")
    first = look.js("return document.activeElement.dataset.number ?? ''")
    look.keys("j")
    second = look.js("return document.activeElement.dataset.number ?? ''")
    look.keys("k")
    check("j and k move through the list", first and second and first != second and look.js("return document.activeElement.dataset.number") == first)
    look.keys("j", "o")
    check("o opens the chosen ticket", look.wait(lambda: look.one("#main").get_attribute("data-number") == second))
    look.blur()
    look.keys("/")
    check("/ goes to the search", look.js("return document.activeElement.id === 'search'"))
    look.blur()
    look.keys("e")
    check("e solves", look.wait(lambda: look.js("return document.getElementById('set-status').value") == "solved"))
    undo = look.wait(lambda: look.all("#toast button"))
    if check("solving can be undone", bool(undo)):
        look.one("#toast button").click()
        check("and is", look.wait(lambda: look.js("return document.getElementById('set-status').value") != "solved"))


def check_moves(look, check):
    look.size(DESKTOP)
    look.get("/?view=open")
    look.wait(lambda: look.all("#list .item"))
    one, other = look.js("return [...document.querySelectorAll('#list a[data-ticket]')].slice(-2).map(link => link.dataset.number)")
    look.get(f"/tickets/{one}?view=open")
    look.js("document.querySelectorAll('#head details')[1].open = true")
    look.one("#head form.move input[name=other]").send_keys(other)
    check("the merge panel has names and contrast", not (bad := look.js(NAMES) + look.js(CONTRAST)), str(bad))
    look.shot(f"{look.tongue}-merge")
    look.one("#head form.move button").click()
    check("merging leads to the other ticket", look.wait(lambda: f"/tickets/{other}" in look.driver.current_url) and f"#{one}" in look.one(".moved").text)
    look.get(f"/tickets/{one}?view=open")
    check("the merged number leads there, too", f"/tickets/{other}" in look.driver.current_url)
    look.js("document.querySelector('.msg .split').open = true")
    look.js("document.querySelector('.msg .split').scrollIntoView({ block: 'center' })")
    check("moved messages: names and contrast", not (bad := look.js(NAMES) + look.js(CONTRAST)), str(bad))
    look.shot(f"{look.tongue}-merged")
    look.size(PHONE)
    check("nothing of it is wider than the phone", not look.wide())
    look.shot(f"{look.tongue}-phone-merged")
    look.size(DESKTOP)
    look.one(".moved button").click()
    check("a merge can be taken back", look.wait(lambda: f"/tickets/{one}" in look.driver.current_url and not look.all(".moved")))


def check_shapes(look, check):
    tongue = look.tongue
    look.dark(True)
    check("dark: every text has enough contrast", not (bad := look.js(CONTRAST)), str(bad))
    look.shot(f"{tongue}-desktop-dark")
    look.dark(False)
    look.size(PHONE)
    look.get("/?view=open")
    look.wait(lambda: look.all("#list .item"))
    check("on a phone the list fills the screen", look.one("#list").is_displayed() and not look.one("#main").is_displayed() and not look.wide())
    look.shot(f"{tongue}-phone-list")
    look.all("#list a[data-ticket]")[0].click()
    check("a tap shows the conversation instead", look.wait(lambda: look.one("#main").is_displayed() and not look.one("#list").is_displayed()))
    look.wait(lambda: look.all("#thread .msg"))
    check("nothing is wider than the phone", not look.wide())
    look.shot(f"{tongue}-phone-ticket")
    look.one(".who-link").click()
    check("the customer slides in", look.one("#customer").is_displayed())
    look.shot(f"{tongue}-phone-customer")
    look.one("#customer .close").click()
    look.one(".back").click()
    check("back shows the list again", look.wait(lambda: look.one("#list").is_displayed()))
    look.one(".menu").click()
    check("the views slide in", look.one("#views").is_displayed())
    small = look.js("return [...document.querySelectorAll('a, button, select, summary')].filter(e => e.checkVisibility() && !e.closest('.skip')).map(e => [e, e.getBoundingClientRect()]).filter(([e, r]) => r.width && r.right > 0 && r.left < innerWidth && (r.width < 24 || r.height < 18)).map(([e]) => e.outerHTML.slice(0, 60))")
    check("nothing to tap is tiny", not small, str(small))
    look.shot(f"{tongue}-phone-views")
    look.size(DESKTOP)


def check_pages(look, check):
    for path, name in (("/accounts", "accounts"), ("/quarantine", "quarantine"), ("/nowhere", "error"), ("/?view=automatic", "automatic")):
        look.get(path)
        check(f"{path}: has its heading, names and contrast", look.all("h1") and not (bad := look.js(NAMES) + look.js(CONTRAST)) and not look.wide(), str(bad) if look.all("h1") else "no h1")
        look.shot(f"{look.tongue}-{name}")
        look.complaints = [each for each in look.complaints if "404" not in each]


def main():
    parser = argparse.ArgumentParser()
    for name in ("url", "login", "password", "deliver"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--login-zh", default="")
    parser.add_argument("--screenshots", default="")
    options = parser.parse_args()
    options.url = options.url.rstrip("/")
    if options.screenshots:
        os.makedirs(options.screenshots, exist_ok=True)
    check = Checks()
    look = Look(options, options.login, options.screenshots)
    look.tongue = "en"
    parts = [check_login, check_inbox, check_arrival, check_answer, check_split, check_moves, check_keys, check_shapes, check_pages]
    try:
        for part in parts:
            attempt(look, check, part)
        look.collect()
        check("the browser complained about nothing", not look.complaints, "; ".join(look.complaints))
    finally:
        look.driver.quit()
    if options.login_zh:
        look = Look(options, options.login_zh, options.screenshots)
        look.tongue = "zh"
        try:
            look.size(DESKTOP)
            look.sign_in()
            look.wait(lambda: look.all("#list .item"))
            check("the Chinese agent reads Chinese", look.js("return document.documentElement.lang") == "zh-CN" and "未分配" in look.one("#views").text)
            for part in (check_inbox, check_split, check_moves, check_shapes, check_pages):
                attempt(look, check, part)
        finally:
            look.driver.quit()
    print(f"{check.passed} passed, {check.failed} failed")
    sys.exit(1 if check.failed else 0)


def attempt(look, check, part):
    try:
        part(look, check)
    except (WebDriverException, subprocess.CalledProcessError, AttributeError, IndexError) as error:
        check(f"{part.__name__} ran to its end", False, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
        look.shot(f"failed-{part.__name__}")


main()
