#!/usr/bin/env python3
"""Servers that lie, one account each, beside an honest one: the honest one is complete, each liar's account says in words what is wrong, no cursor
moves over what was not seen, no secret is told, and the daemon's memory stays bounded.

    liars.py --hongyan BINARY --share FOLDER [--seconds 40] [--keep]
"""
import gzip
import http.server
import itertools
import json
import os
import socketserver
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks

SECRET = "t0ken-of-ours/+&"
MEMORY_MAX_MB = 400
HONEST = 120

# Name → what its account must say; None: it works, whatever it tells.
LIARS = {
    "endless-newest": "more than 10000 pages",
    "endless-oldest": None,
    "same-token": "round in a circle",
    "circle": "round in a circle",
    "web-page": "a web page instead of JSON",
    "web-page-csv": "a web page instead of CSV",
    "half": "something else instead of JSON",
    "cut": "was lost",
    "huge": "is larger than 20971520 bytes",
    "huge-unannounced": "is larger than 20971520 bytes",
    "million": "more than 1000000 values",
    "picture": "something else instead of JSON",
    "wrong-type": None,
    "future": None,
    "changing": "known under other ids",
    "repeating": None,
    "bomb": "is larger than 20971520 bytes",
    "inside": "inside a private network",
    "scheme": "only http and https are followed",
    "round": "more than 3 in a row",
    "echo": "answered 400",
    "inject": "holds a line break",
    "drip": "took longer than 2 s",
    "headers": "headers are larger than",
    "hangs-up": "was lost",
    "not-modified": "though nobody asked for that",
    "forever-later": "answered 429",
}


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class World:
    def __init__(self):
        self.lock = threading.Lock()
        self.count = {}
        self.sent_bytes = {}
        self.inside_asked = 0
        self.honest = 0
        self.started = time.time()

    def next(self, name):
        with self.lock:
            self.count[name] = self.count.get(name, 0) + 1
            return self.count[name]


def item(number, text="hello", at=None, **more):
    return {"id": str(number), "at": at or iso(1790000000 + number % 1000000), "text": f"{text} {number}", **more}


def serve(world):
    million = b'{"items":[' + b",".join(b'{"id":%d,"a":1}' % n for n in range(1_000_000)) + b"]}"
    bomb = gzip.compress(b'{"items":[' + b" " * (300 << 20) + b"]}", 9)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are written apart
        wbufsize = 1 << 16

        def give(self, value, status=200, kind="application/json", headers=()):
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, text in headers:
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def stream(self, total, length):
            """A body that is never held: spaces."""
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header(*length)
            self.end_headers()
            self.close_connection = True
            part, sent = b" " * (1 << 20), 0
            try:
                while sent < total:
                    self.wfile.write(part)
                    sent += len(part)
            finally:
                with world.lock:
                    world.sent_bytes[self.name] = max(world.sent_bytes.get(self.name, 0), sent)

        def do_GET(self):
            url = urllib.parse.urlparse(self.path)
            parts = url.path.split("/")
            self.name = parts[1]
            query = urllib.parse.parse_qs(url.query)
            if self.name == "inner":
                with world.lock:
                    world.inside_asked += 1
                return self.give({"items": [item(666)]})
            try:
                getattr(self, "lie_" + self.name.replace("-", "_"))(query, world.next(self.name), parts)
            except OSError:
                self.close_connection = True  # the other side had enough

        def lie_honest(self, query, count, parts):
            with world.lock:
                have = world.honest
            since = int(query.get("since", ["0"])[0])
            self.give({"items": [item(n) for n in range(since + 1, min(have, since + 5) + 1)]})

        def lie_endless_newest(self, query, count, parts):
            self.give({"items": [item(10**9 - count)], "next": f"t{count}"})

        def lie_endless_oldest(self, query, count, parts):
            since = int(query.get("since", ["0"])[0])
            self.give({"items": [item(n) for n in range(since + 1, since + 3)]})

        def lie_same_token(self, query, count, parts):
            self.give({"items": [item(7000 + count)], "next": "again"})

        def lie_circle(self, query, count, parts):
            self.give({"items": [item(8000 + count)], "next": "ab"[count % 2]})

        def lie_web_page(self, query, count, parts):
            self.give(b"<!DOCTYPE html><html><body>Please log in</body></html>", kind="text/html")

        lie_web_page_csv = lie_web_page

        def lie_half(self, query, count, parts):
            self.give(b'{"items":[{"id":1,"at":"2026-')

        def lie_cut(self, query, count, parts):
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"items":[')
            self.close_connection = True

        def lie_huge(self, query, count, parts):
            self.stream(5 << 30, ("Content-Length", str(5 << 30)))

        def lie_huge_unannounced(self, query, count, parts):
            self.stream(5 << 30, ("Connection", "close"))

        def lie_million(self, query, count, parts):
            self.give(million)

        def lie_picture(self, query, count, parts):
            self.give(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))

        def lie_wrong_type(self, query, count, parts):
            self.give({"items": [item(1), item(2)]}, kind="image/png")

        def lie_future(self, query, count, parts):
            self.give({"items": [item(1, at="9999-12-31T00:00:00Z"), item(2, at=iso(time.time()))]}, headers=[("Date", "Fri, 31 Dec 9999 00:00:00 GMT")])

        def lie_changing(self, query, count, parts):
            self.give({"items": [item(n, at=iso(1790000000 + n)) | {"id": f"{count}-{n}"} for n in range(6)]})

        def lie_repeating(self, query, count, parts):
            self.give({"items": [item(n % 3) for n in range(30)]})

        def lie_bomb(self, query, count, parts):
            self.give(bomb, headers=[("Content-Encoding", "gzip")])

        def lie_inside(self, query, count, parts):
            self.give(b"", 302, headers=[("Location", f"http://127.0.0.1:{world.inner}/inner/x")])

        def lie_scheme(self, query, count, parts):
            self.give(b"", 302, headers=[("Location", "file:///etc/passwd")])

        def lie_round(self, query, count, parts):
            self.give(b"", 302, headers=[("Location", self.path)])

        def lie_echo(self, query, count, parts):
            self.give({"message": f"you sent {self.headers.get('Authorization')} and {urllib.parse.quote(SECRET, safe='')}"}, 400)

        def lie_inject(self, query, count, parts):
            self.give({"items": [item(1)], "c": "x\r\nHost: evil.example"})

        def lie_drip(self, query, count, parts):
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.close_connection = True
            for _ in range(100):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.2)

        def lie_headers(self, query, count, parts):
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for n in range(2_000_000):
                self.wfile.write(b"X-%d: y\r\n" % n)

        def lie_hangs_up(self, query, count, parts):
            self.close_connection = True
            self.connection.close()

        def lie_not_modified(self, query, count, parts):
            self.send_response(304)
            self.end_headers()

        def lie_forever_later(self, query, count, parts):
            self.give({}, 429, headers=[("Retry-After", "99999999999")])

        def log_message(self, *arguments):
            pass

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request, address):
            pass

    def start():
        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    inner = start()
    world.inner = inner.server_address[1]
    return [start(), inner]


def channel(name):
    """The file of one liar."""
    cursor, page, request, form, body = "{kind: seen, path: id, order: desc}", "{kind: none}", "{path: /NAME/list, timeout: 30s}", "", "$.items[*]"
    if name in ("endless-newest", "same-token", "circle"):
        page = "{kind: token, path: $.next, send: {query: p}}"
    if name in ("honest", "endless-oldest"):
        cursor, page = "{kind: id, path: id, send: {query: since}}", "{kind: cursor}"
    if name == "web-page-csv":
        cursor, form, body = "{kind: all}", "\n    format: csv", "$[*]"
    if name == "future":
        cursor = "{kind: time, path: at, send: {query: since}}"
    if name == "changing":
        cursor = "{kind: all}"
    if name == "inject":
        cursor, page = "{kind: token, path: $.c}", "{kind: cursor, more: =yes}"
        request = '{path: /NAME/list, headers: {X-Place: "{{ cursor }}"}}'
    if name == "drip":
        request = "{path: /NAME/list, timeout: 2s}"
    return f"""channel: {name}
docs: https://liar.test/docs
config:
  base:  {{type: url, required: true}}
  token: {{type: secret, required: true}}
auth: {{kind: bearer, token: "{{{{ config.token }}}}"}}
base: "{{{{ config.base }}}}"
streams:
  s:
    every: 1s{form}
    request: {request.replace("NAME", name)}
    records: {body}
    cursor: {cursor}
    page: {page}
    map: {{external_id: id, occurred_at: at | date(iso), text: text}}
"""


def peak(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmHWM")).split()[1]) // 1024


def story(options, folder):
    check = Checks()
    world = World()
    listening = serve(world)
    base = f"http://127.0.0.1:{listening[0].server_address[1]}"
    share, database, config = servers.share(options.share, folder), f"{folder}/hongyan.sqlite3", f"{folder}/hongyan.yaml"
    names = ["honest", *LIARS]
    for name in names:
        with open(f"{share}/channels/{name}.yaml", "w") as f:
            f.write(channel(name))
    accounts = "".join(
        f'  {name}: {{kind: channel, channel: {name}, start: all, every: 1s, config: {{base: "{base}", token: {{env: TOKEN}}}}}}\n' for name in names)
    with open(config, "w") as f:
        f.write(f"database: sqlite://{database}\ndata: {folder}/data\nshare: {share}\nlisten: 127.0.0.1:0\naccounts:\n{accounts}")
    environment = dict(os.environ, TOKEN=SECRET)
    daemon = servers.Process([options.hongyan, "serve", "--config", config], f"{folder}/log", env=environment)

    def status():
        return subprocess.run([options.hongyan, "status", "--config", config], capture_output=True, text=True, env=environment, timeout=60).stdout

    def ids(account):
        return [row[0].split("/", 1)[1] for row in frame.rows(database, "SELECT external_id FROM interactions WHERE account = ?", account)]

    def mark(account):
        found = frame.rows(database, "SELECT value FROM account_cursors WHERE account = ?", account)
        return json.loads(found[0][0])["cursors"].get("s") if found else None

    try:
        end = time.time() + options.seconds
        for number in itertools.count(1):
            if number > HONEST and time.time() > end:
                break
            with world.lock:
                world.honest = min(number, HONEST)
            time.sleep(options.seconds / HONEST / 1.2)

        def said():
            errors = dict(frame.rows(database, "SELECT account, last_error FROM account_health"))
            return all(words is None or words in (errors.get(name) or "") for name, words in LIARS.items())
        try:
            servers.wait_for("what all of them say", said, 90, every=1)
        except Exception:
            pass
        servers.wait_for("the honest one", lambda: len(ids("honest")) >= HONEST, 60, every=0.5)
        megabytes = peak(daemon.pid)
        print(f"       peak memory {megabytes} MB, {sum(world.count.values())} requests")
        errors = dict(frame.rows(database, "SELECT account, last_error FROM account_health"))
        states = dict(frame.rows(database, "SELECT account, state FROM account_health"))
        check.equal("the honest account is complete, each message once", sorted(map(int, ids("honest"))), list(range(1, HONEST + 1)))
        check.equal("and works", states.get("honest"), "working")
        shown = status()
        for name, words in LIARS.items():
            if words is None:
                check.equal(f"{name}: works", states.get(name), "working")
            else:
                check.true(f"{name}: says “{words}”", words in (errors.get(name) or ""), errors.get(name))
                check.true(f"{name}: status says so", words in shown)
        for name in ("same-token", "circle", "endless-newest"):
            check.true(f"{name}: what came is kept, the place is not moved", ids(name) and mark(name) is None, mark(name))
        for name in ("half", "cut", "huge", "huge-unannounced", "million", "picture", "web-page", "web-page-csv", "bomb", "inside", "scheme", "round", "echo", "drip", "headers", "hangs-up", "not-modified"):
            check.true(f"{name}: nothing was taken and nothing passed over", ids(name) == [] and not (mark(name) or {}).get("cursor"), (ids(name)[:3], mark(name)))
        # It goes on while we look: what was stored may be read a moment later than the place.
        place = int((mark("endless-oldest") or {}).get("cursor") or 0)
        servers.wait_for("what stands before the place", lambda: max(map(int, ids("endless-oldest")), default=0) >= place, 60, every=0.5)
        stored = set(map(int, ids("endless-oldest")))
        check.equal("endless-oldest: nothing before the place is missing", sorted(set(range(min(stored), place + 1)) - stored)[:5] if place else "no place", [])
        future = mark("future")
        check.true("future: the place is not in the future", future and future["cursor"] <= iso(time.time() + 60), future)
        dates = [row[0] for row in frame.rows(database, "SELECT occurred_at FROM interactions WHERE account = 'future'")]
        check.true("future: both are there, none of them in the future", len(dates) == 2 and max(dates) <= int((time.time() + 60) * 1_000_000), dates)
        check.equal("repeating: each once", sorted(ids("repeating")), ["0", "1", "2"])
        check.equal("changing: the first six and no copies", len(ids("changing")), 6)
        check.equal("wrong-type: read all the same", sorted(ids("wrong-type")), ["1", "2"])
        check.equal("inside: the private place was never asked", world.inside_asked, 0)
        check.true("huge: broken off early", max(world.sent_bytes.values(), default=0) < 200 << 20, world.sent_bytes)
        log = open(f"{folder}/log", errors="replace").read()
        everything = log + shown + str(frame.rows(database, "SELECT * FROM account_health")) + str(frame.rows(database, "SELECT * FROM events"))
        check.true("the secret that came back is told to nobody", not any(word in everything for word in (SECRET, urllib.parse.quote(SECRET, safe=""), "t0ken-of-ours")))
        check.true(f"the daemon's memory stayed below {MEMORY_MAX_MB} MB", megabytes < MEMORY_MAX_MB, f"{megabytes} MB")
        check.equal("the daemon ends when told to", daemon.stop(), 0)
    finally:
        if daemon.alive():
            daemon.stop()
        for server in listening:
            server.shutdown()
    return check


if __name__ == "__main__":
    parser = frame.arguments()
    parser.add_argument("--seconds", type=float, default=40)
    frame.run(parser, "liars", story)
