#!/usr/bin/env python3
"""The author's tools for channel files against a local server: check, dry, record, new, lint, test; by an account and by hand, in both languages.

    channel_tools.py --hongyan BINARY --share FOLDER [--keep]
"""
import json
import os
import re
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks

SECRET = "s3cret+key/of=ours"
MAIL, PHONE = "zoe.real@customers.test", "+49 171 5550123"


class Shop:
    """A source with a token, pages by token, and rights that can be taken away."""

    def __init__(self):
        self.asked, self.status, self.logins, self.refresh = [], 200, 0, "first-refresh-token"

    def reviews(self, page, said=""):
        made = [{"id": str(n), "created_at": f"2026-11-20T08:{n:02d}:00Z", "author": {"name": f"Zoe {n}", "email": MAIL, "phone": PHONE},
                 "title": f"Lamp {n}", "body": f"My lamp number {n} is broken, write to {MAIL}" + (f", your key is {said}" if n == 9 and said else ""), "url": f"https://shop.test/r/{n}"} for n in range(9, 0, -1)]
        part = made[page * 3:page * 3 + 3]
        return {"data": part, "next_cursor": str(page + 1) if page < 2 else None, "has_more": page < 2, "debug_token": said}


def serve(shop):
    class Handler(servers.JSONHandler):
        def give(self, value, status=200):
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.raw(body, status, headers={"Set-Cookie": "sid=c00kie-of-theirs"})

        def do_POST(self):
            body = urllib.parse.parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
            if body.get("refresh_token") != [shop.refresh]:
                return self.give({"error": "invalid_grant", "error_description": f"no such token {body.get('refresh_token')}"}, 400)
            shop.logins += 1
            shop.refresh = f"refresh-token-{shop.logins}"
            return self.give({"access_token": f"access-token-{shop.logins}", "refresh_token": shop.refresh, "expires_in": 3600})

        def do_GET(self):
            url = urllib.parse.urlparse(self.path)
            query = urllib.parse.parse_qs(url.query)
            shop.asked.append(self.path)
            if url.path == "/example.json":
                return self.give(shop.reviews(0))
            token = self.headers.get("Authorization", "")
            if shop.status != 200 and url.path != "/me" or shop.status == 401:
                return self.give({"message": f"you said {token}"}, shop.status)
            if token not in (f"Bearer {SECRET}", f"Bearer access-token-{shop.logins}"):
                return self.give({"message": f"bad {token}"}, 401)
            return self.give({"id": "99"}) if url.path == "/me" else self.give(shop.reviews(int(query.get("cursor", ["0"])[0]), token.removeprefix("Bearer ")))

    return servers.StandIn(Handler)


FILE = """channel: shop
docs: https://shop.test/docs
about: Reviews of a shop.
about_zh: 商店评价。
config:
  base:  {type: url, required: true}
  token: {type: secret, required: true, about: "a key with the scope reviews.read"}
auth: AUTH
base: "{{ config.base }}"
check: {path: /me, expect: id, save: {self: id}}
streams:
  reviews:
    every: 1s
    request: {path: /reviews}
    records: $.data[*]
    cursor: {kind: seen, path: id, order: desc}
    page: {kind: token, path: $.next_cursor, send: {query: cursor}, more: $.has_more}
    map:
      external_id: id
      occurred_at: created_at | date(iso)
      author.name: . | get('author') | get('name')
      author.email: . | get('author') | get('email')
      author.phone: . | get('author') | get('phone')
      subject: title
      text: body
      permalink: url
"""


def story(options, folder):
    check = Checks()
    shop = Shop()
    server = serve(shop)
    base = server.base
    share, database, config = servers.share(options.share, folder), f"{folder}/hongyan.sqlite3", f"{folder}/hongyan.yaml"
    with open(f"{share}/channels/shop.yaml", "w") as f:
        f.write(FILE.replace("AUTH", '{kind: bearer, token: "{{ config.token }}"}'))
    with open(f"{share}/channels/rotating.yaml", "w") as f:
        f.write(FILE.replace("channel: shop", "channel: rotating").replace(
            "AUTH", '{kind: oauth2, token_url: "{{ config.base }}/token", refresh_token: "{{ config.token }}"}'))
    with open(config, "w") as f:
        f.write(f"""database: sqlite://{database}
data: {folder}/data
share: {share}
listen: 127.0.0.1:0
accounts:
  shop: {{kind: channel, channel: shop, start: all, every: 500ms, plain: true, config: {{base: "{base}", token: {{env: TOKEN}}}}}}
  rotating: {{kind: channel, channel: rotating, start: all, every: 500ms, plain: true, config: {{base: "{base}", token: {{env: REFRESH}}}}}}
""")
    environment = dict(os.environ, TOKEN=SECRET, REFRESH="first-refresh-token", HONGYAN_SHARE=share, LANG="C", LC_ALL="C")
    heard = []

    def run(*arguments, text=None, conf=True, **extra):
        done = subprocess.run([options.hongyan, "channel", *arguments, *(["--config", config] if conf else [])], capture_output=True, text=True,
                              input=text, env=dict(environment, **extra), timeout=120)
        heard.append(done.stdout + done.stderr)
        return done.returncode, done.stdout, done.stderr

    # check
    code, out, err = run("check", "shop")
    check.true("a check of a good account says so", code == 0 and "The source accepts the account (self = 99)" in out and "3 records on the first page" in out and "Nothing is wrong" in out, out + err)
    check.true("no database was made for it", not os.path.exists(database))
    code, out, _ = run("check", "shop", "--lang", "zh")
    check.true("in Chinese as well", code == 0 and "来源接受了本账号" in out and "没有发现错误" in out, out)
    code, out, _ = run("check", "shop", LANG="zh_CN.UTF-8", LC_ALL="")
    check.true("LANG decides", "没有发现错误" in out, out)
    shop.status = 403
    code, out, _ = run("check", "shop")
    check.true("a missing right is told with the scope that is needed", code == 1 and "a scope or a right is missing" in out and "reviews.read" in out, out)
    shop.status = 401
    code, out, _ = run("check", "shop")
    check.true("a refused key is told with its name", code == 1 and "make a new key" in out and "`token`" in out, out)
    shop.status = 200
    code, out, err = run("check", "--file", f"{share}/channels/shop.yaml", "--set", f"base={base}", "--set", "token=env:TOKEN", conf=False)
    check.true("a file with inputs by hand is checked without a configuration", code == 0 and "Nothing is wrong" in out, out + err)
    code, out, err = run("check", "--file", f"{share}/channels/shop.yaml", "--set", "tokn=x", conf=False)
    check.true("a wrong input is told with the right one", code == 1 and "did you mean token?" in err, err)
    code, out, err = run("check", "--file", f"{share}/channels/shop.yaml", "--set", f"base={base}", conf=False)
    check.true("a missing input is told", code == 1 and "`token` is missing" in out, out + err)
    code, _, err = run("check", "shp")
    check.true("a wrong account is told with the right one", code == 1 and "did you mean shop?" in err, err)

    # dry
    code, out, err = run("dry", "shop", "--pages", "2")
    check.true("a dry poll shows the messages", code == 0 and "reviews: 2 pages, 6 items, and more pages" in out and "Lamp 9" in out and "https://shop.test/r/4" in out, out + err)
    code, out, _ = run("dry", "shop", "--jsonl", "--pages", "9")
    lines = [json.loads(line) for line in out.splitlines()]
    check.equal("as JSON, a line each, oldest first", [line["external_id"] for line in lines], [str(n) for n in range(1, 10)])
    check.true("with the stream's name", all(line["stream"] == "reviews" and line["author.email"] == MAIL for line in lines), lines[:1])
    code, _, err = run("dry", "shop", "--stream", "review")
    check.true("a wrong stream is told with the right one", code == 1 and "did you mean reviews?" in err, err)

    # a session is the one thing that is kept, and a dry poll moves no cursor
    subprocess.run([options.hongyan, "migrate", "--config", config], env=environment, check=True, capture_output=True)
    code, out, err = run("check", "rotating")
    check.true("a check that has to renew a permission works", code == 0 and shop.logins == 1, out + err)
    code, out, err = run("dry", "rotating", "--pages", "9")
    check.true("and the next command goes on with what was renewed", code == 0 and "9 items" in out and shop.logins == 1, f"{out}{err} logins {shop.logins}")
    state = frame.rows(database, "SELECT account, value FROM account_cursors")
    check.true("only the session stands in the database, sealed", [row[0] for row in state] == ["rotating"] and "cursors" not in str(state) and "token-" not in str(state), state)
    check.equal("nothing was stored", frame.rows(database, "SELECT count(*) FROM spool") or [(0,)], [(0,)])

    daemon = servers.Process([options.hongyan, "serve", "--config", config], f"{folder}/log", env=environment)
    try:
        servers.wait_for("the daemon's messages", lambda: frame.rows(database, "SELECT count(*) FROM interactions") == [(18,)], 60, every=0.3)
        before = frame.rows(database, "SELECT account, value FROM account_cursors WHERE account = 'shop'")
        code, out, _ = run("dry", "shop")
        check.true("beside a running daemon a dry poll brings only what is new", code == 0 and "0 items" in out, out)
        code, out, _ = run("dry", "shop", "--from-start", "--pages", "1")
        check.true("or everything, when asked to", code == 0 and "3 items" in out, out)
        check.equal("the cursor is where it was", frame.rows(database, "SELECT account, value FROM account_cursors WHERE account = 'shop'"), before)
        check.true("the permission was not asked for twice", shop.logins == 1, shop.logins)
        check.true("no session stands readable in the database", "access-token-" not in str(frame.rows(database, "SELECT value FROM account_cursors")))
    finally:
        check.equal("the daemon ends when told to", daemon.stop(), 0)

    # record
    into = f"{folder}/samples"
    code, out, err = run("record", "shop", "--pages", "2", "--into", into)
    check.true("a recording says what it is and what to do with it", code == 0 and "2 requests, 6 items" in out and "Look it over" in out and "does not replay" not in out, out + err)
    text = open(f"{into}/recorded-reviews.json", encoding="utf-8").read()
    check.true("nothing secret stands in it", not any(word in text for word in (SECRET, MAIL, PHONE, "c00kie", "zoe.real")), text[:2000])
    sample = json.loads(text)
    check.equal("it expects what the engine reads", [item["external_id"] for item in sample["expect"]["interactions"]], [str(n) for n in range(4, 10)])
    check.equal("the same address is the same placeholder", {item["author.email"] for item in sample["expect"]["interactions"]}, {"person1@example.com"})
    code, out, _ = run("record", "shop", "--pages", "1", "--folder", f"{share}/channels")
    code, out, _ = run("test", "shop", "--folder", f"{share}/channels", conf=False)
    check.true("it lands beside the channel files and passes `channel test`", code == 0 and "1 passed, 0 failed" in out, out)
    code, out, _ = run("record", "rotating", "--into", into)
    check.true("one with a renewed permission replays", code == 0 and "does not replay" not in out and "access-token-" not in open(f"{into}/recorded-reviews-2.json").read(), out)

    # new
    made = f"{folder}/made"
    code, out, err = run("new", "--from", f"{base}/example.json", "--name", "lamps", "--auth", "bearer", "--yes", "--folder", made, conf=False)
    check.true("a channel is made from an example without a question", code == 0 and "its samples replay" in out, out + err)
    yaml = open(f"{made}/lamps.yaml", encoding="utf-8").read()
    check.true("with what was guessed", all(word in yaml for word in ("records: $.data[*]", "external_id: id", "created_at | date(iso)", "kind: token, path: $.next_cursor", "text: body")), yaml)
    check.true("and samples without addresses", MAIL not in open(f"{made}/samples/lamps/page.json").read())
    code, out, _ = run("lint", f"{made}/lamps.yaml", conf=False)
    check.true("lint finds nothing in it", code == 0 and "All in order" in out, out)
    code, out, _ = run("lint", "--folder", made, conf=False)
    check.true("nor in the folder with its samples", code == 0, out)
    code, out, err = run("check", "--file", f"{made}/lamps.yaml", "--set", "token=env:TOKEN", conf=False)
    check.true("the made file reads a real answer", code == 0 and "3 records on the first page" in out, out + err)
    code, _, err = run("new", "--from", f"{base}/example.json", "--name", "lamps", "--yes", "--folder", made, conf=False)
    check.true("a file that is there is not written over", code == 1 and "is there already" in err, err)
    answers = "\n".join(["https://shop.test/api/list?page=1", "forum", "1", "", "2", "1", "7", "1", "", "", ""]) + "\n"
    example = json.dumps([{"id": n, "date": f"2026-11-2{n} 10:00:00", "text": "words of a person here", "more": "another long text of words"} for n in range(3)])
    code, out, err = run("new", "--folder", made, "--lang", "en", text=example + "\n.\n1\n" + answers, conf=False)
    yaml = open(f"{made}/forum.yaml", encoding="utf-8").read() if os.path.exists(f"{made}/forum.yaml") else ""
    check.true("a person pastes, chooses by number and is asked in words", code == 0 and "Where are the records?" in out and "text: more" in yaml and "kind: page" in yaml and "There is no 7." in out, out + err + yaml)
    code, out, err = run("new", "--folder", made, "--lang", "zh", text=example + "\n.\n", conf=False)
    check.true("in Chinese, and an input that ends writes nothing", code == 1 and "记录在哪里" in out and "nothing was written" in err, out + err)
    with open(f"{folder}/page.html", "w") as f:
        f.write("<!doctype html><html><body>Log in</body></html>")
    code, _, err = run("new", "--from", f"{folder}/page.html", "--yes", conf=False)
    check.true("a web page is no example", code == 1 and "is a web page" in err, err)

    # lint
    with open(f"{folder}/bad.yaml", "w") as f:
        f.write(FILE.replace("channel: shop", "channel: bad").replace("AUTH", '{kind: bearer, token: "{{ config.tokn }}"}'))
    code, out, _ = run("lint", f"{folder}/bad.yaml", conf=False)
    check.true("lint names file, line, column and the fix", code == 1 and re.search(r"bad\.yaml:8:29: `config.tokn` is no input.*did you mean `token`\?", out), out)
    check.true("no command printed a secret", not any(word in "".join(heard) for word in (SECRET, urllib.parse.quote(SECRET, safe=""), "first-refresh-token", "access-token-", "refresh-token-1")))
    server.shutdown()
    return check


if __name__ == "__main__":
    frame.run(frame.arguments(), "channel-tools", story)
