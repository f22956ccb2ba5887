#!/usr/bin/env python3
"""Shows what the sanitiser leaves of hostile HTML to Chromium and looks whether anything runs, leaves the page or is lost.

    sanitiser.py --hongyan BINARY --kit FOLDER [--verbose]

Every case of the kit's HTML corpora, and every piece of HTML in its feeds, is sanitised by `hongyan probe` and shown twice: as the console shows it,
in a sandboxed frame with its policy; and bare, in a page where scripts may run, so that the sanitiser itself is proven. The browser's every request goes
through a proxy of ours. A case passes when
  * nothing ran: no alert, prompt, confirm, print or open, no error, and no script, handler or address that a policy of reports would have stopped;
  * nothing was asked: no request but those for our own pages, and the page is where it was;
  * the console's policy had nothing to stop;
  * what is allowed survived: elements, attributes and words of a harmless document are those of the original.
"""

import argparse
import html
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse

from selenium import webdriver

HERE = os.path.dirname(os.path.abspath(__file__))
HTML_CORPORA = ["dompurify", "js-xss", "owasp-java-html", "mimekit-html"]
FEED_CORPORA = ["feedparser-sanitize"]
FRAMES_A_PAGE = 40
HOST = "sanitiser.test"
BROWSERS_OWN = ("google.com", "googleapis.com", "gvt1.com", "gstatic.com")

# Before the case: whatever runs tells the page around it.
HOOKS = """
const told = [];
const tell = what => { told.push(String(what).slice(0, 200)); };
for (const name of ['alert', 'prompt', 'confirm', 'print', 'open', 'eval', 'setTimeout', 'fetch'])
  window[name] = (...words) => { tell(name + ' ' + words[0]); return null; };
window.onerror = message => { tell('error ' + message); };
document.addEventListener('securitypolicyviolation', e => tell('policy ' + e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sample));
window.canary = 'alive';
window.told = told;
"""

# Asks a shown case what is left. Every element is touched as a reader would, so that handlers have their chance.
LOOK = """
const frame = arguments[0], inner = frame.contentWindow, doc = frame.contentDocument, told = [...inner.told];
if (inner.location.pathname !== new URL(frame.dataset.url, location).pathname) told.push('navigated to ' + inner.location);
if (inner.canary !== 'alive') told.push('the canary is dead');
const events = ['click', 'mouseover', 'mouseenter', 'pointerover', 'pointerdown', 'focus', 'blur', 'load', 'error', 'toggle', 'animationend', 'wheel', 'copy', 'input'];
for (const el of doc.body.querySelectorAll('*')) {
  for (const name of events) { const e = new inner.Event(name, { bubbles: false, cancelable: true }); el.dispatchEvent(e); }
  for (const attribute of el.attributes) if (/^on/i.test(attribute.name)) told.push('attribute ' + attribute.name);
  if (el.matches('a[href]') && !/^(https?|mailto|tel):$/.test(el.protocol)) told.push('link ' + el.href);
}
for (const el of doc.body.querySelectorAll('script, style, iframe, frame, object, embed, form, base, link, meta, svg, math, template, noscript')) told.push('element ' + el.tagName);
told.push(...inner.told.slice(told.length));
return told;
"""

# Compares the original, parsed but never run, with what was shown. Returns what an allowed document lost; null for one that is not only allowed things.
SURVIVES = """
const [original, frame, dropped, allowed] = arguments;
if (/<noscript/i.test(original)) return null;
const source = new DOMParser().parseFromString(original, 'text/html').body, shown = frame.contentDocument.body;
const walker = root => document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT);
const tags = new Set(allowed.tags), names = new Set(allowed.attributes);
for (const el of source.querySelectorAll('*')) {
  if (!tags.has(el.localName)) return null;
  for (const { name, value } of el.attributes) {
    if (names.has(name)) continue;
    if (name === 'href' && el.localName === 'a' && /^(https?|mailto|tel):/i.test(value)) continue;
    if (name === 'src' && el.localName === 'img' && /^(https?):/i.test(value)) continue;
    return null;
  }
}
const tidy = text => text.replace(/[\\u0000-\\u0008\\u000e-\\u001f]/g, '').replace(/\\s+/g, ' ').trim();
const describe = root => { const list = []; const walk = walker(root); while (walk.nextNode()) { const el = walk.currentNode; const kept = {};
  for (const { name, value } of el.attributes) { if (names.has(name)) kept[name] = tidy(value);
    if (name === 'href') kept.href = value.replace(/\\s/g, ''); if (name === 'src' || name === 'data-remote-src') kept.src = value.replace(/\\s/g, ''); }
  list.push(el.localName + JSON.stringify(kept, Object.keys(kept).sort())); } return list; };
const lost = [];
const before = describe(source), after = describe(shown);
const isIn = (part, whole) => { let at = 0; for (const one of whole) if (at < part.length && one === part[at]) at += 1; return at === part.length; };
if (!isIn(before, after)) lost.push('elements ' + before.filter(x => !after.includes(x)).concat('instead', after.filter(x => !before.includes(x))).join(' ').slice(0, 300));
if (!isIn(tidy(source.textContent).split(' ').filter(Boolean), tidy(shown.textContent).split(' '))) lost.push('words “' + tidy(source.textContent).slice(0, 120) + '” became “' + tidy(shown.textContent).slice(0, 120) + '”');
return lost;
"""


def console():
    """The document and the policy of the console's frame, out of the code that makes them; fails when it cannot be found there."""
    with open(os.path.join(HERE, "..", "..", "Sources", "Console", "Messages.swift"), encoding="utf-8") as file:
        source = file.read()
    document = re.search(r'let document = """\n(.*?)\n\s*"""', source, re.S).group(1)
    document = re.sub(r"\\\n\s*", "", document).strip().replace("\\(visit.tongue.tag)", "en")
    head, tail = document.split("\\(safe)")
    policy = "".join(re.findall(r'"([^"]*)"', re.search(r"headers\[\.contentSecurityPolicy\] =\n(.*?)\n\s*response", source, re.S).group(1)))
    return head, tail, policy.replace("\\(images)", "data:")


class Pages:
    def __init__(self, cases):
        self.cases = cases
        self.head, self.tail, self.policy = console()
        self.asked = []
        self.current = ""
        pages = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                pages.answer(self)

            do_POST = do_CONNECT = do_HEAD = do_OPTIONS = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        address = urllib.parse.urlsplit(request.path)
        ours = request.command == "GET" and (address.hostname or "") == HOST and address.scheme == "http"
        parts = address.path.strip("/").split("/")
        is_page = parts[0] in ("console", "bare") and len(parts) == 2 and parts[1].isdigit()
        if not ours or not (is_page or parts[0] in ("harness", "favicon.ico")):
            host = address.hostname or request.path.split(":")[0]
            # Chromium asks its maker's servers on its own account; no case may name them unnoticed.
            own = any(host == name or host.endswith("." + name) for name in BROWSERS_OWN) and not any(host in case["safe"] for case in self.cases)
            if not own:
                self.asked.append(f"{request.command} {request.path}")
            return self.send(request, 404, "", {})
        if parts[0] == "console":
            return self.send(request, 200, self.head + self.cases[int(parts[1])]["safe"] + self.tail, {"Content-Security-Policy": self.policy})
        if parts[0] == "bare":
            document = f"<!doctype html><html><head><meta charset=utf-8><script nonce=ours>{HOOKS}</script></head><body>{self.cases[int(parts[1])]['safe']}</body></html>"
            return self.send(request, 200, document, {"Content-Security-Policy-Report-Only": "script-src 'nonce-ours' 'report-sample'; object-src 'none'; base-uri 'none'; form-action 'none'"})
        return self.send(request, 200, "<!doctype html><meta charset=utf-8><title>harness</title><body>", {})

    @staticmethod
    def send(request, status, text, headers):
        body = text.encode()
        try:
            request.send_response(status)
            request.send_header("Content-Type", "text/html; charset=utf-8")
            request.send_header("Content-Length", str(len(body)))
            request.send_header("Cache-Control", "no-store")
            for name, value in headers.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(body)
        except OSError:
            pass


def probe(hongyan, kind, files):
    run = subprocess.run([hongyan, "probe", kind, "--jsonl"], input="\n".join(files) + "\n", capture_output=True, text=True, timeout=600, check=False)
    return [json.loads(line) for line in run.stdout.split("\n") if line.strip()]


def gather(hongyan, kit):
    cases, missing = [], []
    for corpus in HTML_CORPORA + FEED_CORPORA:
        folder = os.path.join(kit, corpus, "cases")
        if not os.path.isdir(folder):
            missing.append(corpus)
            continue
        files = sorted(os.path.join(folder, name) for name in os.listdir(folder))
        for file, answer in zip(files, probe(hongyan, "feed" if corpus in FEED_CORPORA else "html", files), strict=True):
            if "html" in answer:
                with open(file, "rb") as opened:
                    raw = opened.read()
                try:
                    original = raw.decode()
                except UnicodeDecodeError:
                    original = None  # what it says is a question of its charset
                cases.append({"corpus": corpus, "id": answer["id"], "safe": answer["html"], "original": original})
            for part in [answer.get("feed") or {}] + (answer.get("entries") or []):
                for key in ("title", "description", "rights", "summary", "content"):
                    if isinstance(part.get(key), str) and "<" in html.unescape(part[key]):
                        cases.append({"corpus": corpus, "id": f"{answer['id']} {key}", "safe": part[key], "original": None})
    return cases, missing


def allowed():
    """The sanitiser's own lists, out of its code."""
    with open(os.path.join(HERE, "..", "..", "Sources", "Formats", "HTML", "HTMLSafeSink.swift"), encoding="utf-8") as file:
        source = file.read()
    tags = re.findall(r"\.`?(\w+)`?", re.search(r"kept = HTMLTags\((.*?)\)", source, re.S).group(1))
    attributes = re.findall(r'"([\w-]+)"', re.search(r"attributes: Set<String> = \[(.*?)\]", source, re.S).group(1))
    return {"tags": tags, "attributes": attributes}


def browser(port):
    flags = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync",
                 "--disable-component-update", "--no-first-run", "--disable-default-apps", "--dns-prefetch-disable", "--disable-features=OptimizationHints,Translate",
                 f"--proxy-server=http://127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>"):
        flags.add_argument(flag)
    flags.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    flags.set_capability("unhandledPromptBehavior", "ignore")
    flags.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    driver = webdriver.Chrome(options=flags, service=webdriver.ChromeService(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")))
    driver.set_page_load_timeout(60)
    driver.set_script_timeout(60)
    return driver


LOAD = """
const [kind, from, to, done] = arguments;
document.body.replaceChildren();
Promise.all(Array.from({ length: to - from }, (_, at) => new Promise(ready => {
  const frame = document.createElement('iframe');
  if (kind === 'console') { frame.setAttribute('sandbox', ''); frame.referrerPolicy = 'no-referrer'; }
  frame.onload = () => setTimeout(ready, 30);
  frame.dataset.url = frame.src = '/' + kind + '/' + (from + at);
  document.body.append(frame);
}))).then(() => setTimeout(done, 100));
"""


def look(driver, pages, kind, cases, first, found, lists):
    """Shows some cases and notes under each what is wrong with it."""
    pages.asked.clear()
    driver.execute_async_script(LOAD, kind, first, first + len(cases))
    frames = driver.execute_script("return [...document.querySelectorAll('iframe')]")
    for at, frame in enumerate(frames):
        if kind == "bare":
            case = cases[at]
            found[first + at] += driver.execute_script(LOOK, frame)
            if case["original"] is not None:
                lost = driver.execute_script(SURVIVES, case["original"], frame, None, lists)
                case["benign"] = lost is not None
                found[first + at] += ["lost: " + what for what in lost or []]
    # A picture inside the mail (cid:) is put in by the console; here it has no bytes, and no network is asked for it.
    complaints = [entry["message"] for entry in driver.get_log("browser") if "favicon" not in entry["message"] and not entry["message"].startswith("cid:")]
    trouble = list(pages.asked) + complaints
    if trouble and len(cases) > 1:  # whose it is shows when each is shown alone
        for at, case in enumerate(cases):
            look(driver, pages, kind, [case], first + at, found, lists)
    else:
        found[first] += [f"{kind}: {what[:200]}" for what in trouble]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hongyan", required=True)
    parser.add_argument("--kit", required=True)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    cases, missing = gather(options.hongyan, options.kit)
    pages = Pages(cases)
    driver = browser(pages.port)
    found = {at: [] for at in range(len(cases))}
    try:
        driver.get(f"http://{HOST}/harness")
        lists = allowed()
        # The hooks must be able to see something, or all of this proves nothing.
        cases.append({"corpus": "", "id": "", "safe": "<img src=x onerror=alert(1)><a href='javascript:x'>y</a>", "original": None})
        proof = {len(cases) - 1: []}
        look(driver, pages, "bare", cases[-1:], len(cases) - 1, proof, lists)
        seen = "\n".join(proof[len(cases) - 1])
        hooks_work = all(word in seen for word in ("attribute onerror", "link javascript", "alert 1", "bare/x"))
        for kind in ("bare", "console"):
            for first in range(0, len(cases) - 1, FRAMES_A_PAGE):
                driver.get(f"http://{HOST}/harness")
                driver.get_log("browser")
                look(driver, pages, kind, cases[first:min(first + FRAMES_A_PAGE, len(cases) - 1)], first, found, lists)
        cases.pop()
    finally:
        driver.quit()
        pages.server.shutdown()
    passed = int(hooks_work)
    failed = int(not hooks_work)
    if not hooks_work:
        print(f"FAILED: the hooks do not see a script that runs: {seen}")
    for corpus in HTML_CORPORA + FEED_CORPORA:
        mine = [at for at, case in enumerate(cases) if case["corpus"] == corpus]
        bad = [at for at in mine if found[at]]
        passed += len(mine) - len(bad)
        failed += len(bad)
        benign = sum(1 for at in mine if cases[at].get("benign"))
        if mine:
            print(f"{corpus:22} {len(mine) - len(bad):4}/{len(mine):<4} pieces shown twice: nothing ran, nothing was asked; {benign} harmless ones compared with their originals")
        if mine and corpus in HTML_CORPORA and not benign:
            failed += 1
            print(f"FAILED: {corpus}: nothing of it was harmless, so it does not show that anything survives")
        for at in bad[: None if options.verbose else 20]:
            print(f"FAILED: {corpus} {cases[at]['id']}: {'; '.join(found[at][:4])}")
    print(f"{passed} passed, {failed} failed, {len(missing)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
