#!/usr/bin/env python3
"""Social networks and form services with bad days: every item arrives exactly once, through faults and kill -9.

    channels.py --hongyan BINARY --share FOLDER [--seconds 40] [--kills 6] [--seed 4] [--keep]

Agents answer meanwhile. Mastodon, Bluesky and WeCom know a repeated answer by its id, so each of these is there exactly once whatever happened. Telegram
does not: an answer of unknown fate is not sent again, and the ledger says so.

A local server plays Mastodon, Bluesky, Telegram, WeCom and Typeform from answers made here, and injects what real ones do: 429 with each kind of
reset, 500, half an answer, a page of HTML, dropped connections, sessions that end, duplicates, items out of order. The channel files are the ones of
the project, but for their address and how often they ask.
"""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for

NAMES = ("mastodon", "bluesky", "telegram", "wecom-kf", "typeform")


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class World:
    """What the sources hold, and how they answer."""

    def __init__(self, seed):
        self.lock = threading.Lock()
        self.chance = random.Random(seed)
        self.items = {name: [] for name in NAMES}
        self.faults = 0
        self.is_quiet = False
        self.logins = 0
        self.access, self.refresh, self.wecom = None, None, None
        self.posts = {name: {} for name in NAMES}  # by the id that the source knows a repeated answer by
        self.texts = []  # what was posted, in order
        self.confirmed = 0

    def happen(self):
        """Something new somewhere."""
        name = self.chance.choice(NAMES)
        number = len(self.items[name]) + 1
        self.items[name].append({"n": number, "at": time.time() - self.chance.random() * 3})

    def fault(self, handler, name):
        """True when the request was spoilt."""
        if self.is_quiet or self.chance.random() > 0.25:
            return False
        self.faults += 1
        kind = self.chance.randrange(7)
        if kind == 0:
            handler.give({}, 429, {"Retry-After": "1"})
        elif kind == 1:
            handler.give({}, 429, {"X-RateLimit-Reset": iso(time.time() + 1), "RateLimit-Reset": str(int(time.time()) + 1)})
        elif kind == 2:
            handler.give({"error": "oops"}, 500)
        elif kind == 3:
            handler.raw(b"<html><body>Log in</body></html>", 200, "text/html")
        elif kind == 4:
            handler.raw(b'{"items":[{"id":', 200)
        elif kind == 5:
            handler.close_connection = True
            handler.connection.close()
        elif name == "telegram":
            handler.give({"ok": False, "parameters": {"retry_after": 1}}, 429)
        else:
            self.access = self.wecom = None  # every session ends
            handler.give({"error": "ExpiredToken"}, 400) if name == "bluesky" else handler.give({"errcode": -1, "errmsg": "busy"}, 503)
        return True

    # MARK: answers

    def post(self, handler, name, key, text, answer):
        """Takes an answer, with bad days before and after it is taken. `answer` makes what the source says from the number of the post."""
        chance = self.chance.random()
        if not self.is_quiet and chance < 0.2 and self.fault(handler, name):
            return
        known = self.posts[name].get(key) if key else None
        if known is None:
            known = len(self.texts) + 1
            self.texts.append((name, text))
            self.posts[name][key or f"post-{known}"] = known
        if not self.is_quiet and chance > 0.85:  # taken, and the word of it is lost
            self.faults += 1
            if chance > 0.95:
                handler.close_connection = True
                handler.connection.close()
            elif chance > 0.9:
                handler.raw(b"<html><body>Bad gateway</body></html>", 502, "text/html")
            else:
                handler.raw(b'{"id', 200)
            return
        handler.give(answer(known))

    # MARK: the sources

    def mastodon(self, handler, query):
        since = int(query.get("min_id", ["0"])[0])
        found = [item for item in self.items["mastodon"] if 1000 + item["n"] > since][:80]
        handler.give([
            {"id": str(1000 + item["n"]), "type": "mention", "account": {"id": "7", "acct": "zoe", "display_name": "Zoe", "followers_count": 3},
             "status": {"id": f"m{item['n']}", "content": f"<p>mention {item['n']}</p>", "created_at": iso(item["at"]), "url": "https://x.test/1", "visibility": "public"}}
            for item in reversed(found)  # newest first inside the page
        ])

    def bluesky(self, handler, query):
        newest = list(reversed(self.items["bluesky"]))
        start = int(query.get("cursor", ["0"])[0])
        page = newest[start:start + 10]
        if page and self.chance.random() < 0.3:
            page = page[:1] + page  # the same twice
        answer = {"notifications": [
            {"uri": f"at://did:plc:zoe/app.bsky.feed.post/{item['n']}", "cid": f"c{item['n']}", "reason": "mention",
             "author": {"did": "did:plc:zoe", "handle": "zoe.test", "displayName": "Zoe"}, "record": {"text": f"hello {item['n']}", "createdAt": iso(item["at"])},
             "indexedAt": iso(item["at"])} for item in page]}
        if start + 10 < len(newest):
            answer["cursor"] = str(start + 10)
        handler.give(answer)

    def telegram(self, handler, query):
        offset = int(query.get("offset", ["0"])[0])
        self.confirmed = max(self.confirmed, offset)
        found = [item for item in self.items["telegram"] if item["n"] >= self.confirmed][:100]
        handler.give({"ok": True, "result": [
            {"update_id": item["n"], "message": {"message_id": item["n"], "date": int(item["at"]), "chat": {"id": 5}, "from": {"id": 5, "first_name": "小"}, "text": f"在吗 {item['n']}"}}
            for item in found]})

    def wecom_messages(self, handler, body):
        at = int(body.get("cursor") or 0)
        page = self.items["wecom-kf"][at:at + 5]
        handler.give({"errcode": 0, "next_cursor": str(at + len(page)), "has_more": 1 if at + len(page) < len(self.items["wecom-kf"]) else 0, "msg_list": [
            {"msgid": f"w{item['n']}", "open_kfid": "kf1", "external_userid": "u1", "send_time": int(item["at"]), "origin": 3, "msgtype": "text", "text": {"content": f"你好 {item['n']}"}}
            for item in page]})

    def typeform(self, handler, query):
        newest = sorted(self.items["typeform"], key=lambda item: -item["at"])
        if "before" in query:
            tokens = [f"t{item['n']}" for item in newest]
            newest = newest[tokens.index(query["before"][0]) + 1:]
        handler.give({"items": [
            {"token": f"t{item['n']}", "submitted_at": iso(item["at"]), "answers": [
                {"type": "email", "email": f"c{item['n']}@customers.test", "field": {"ref": "mail", "type": "email"}},
                {"type": "text", "text": f"words {item['n']}", "field": {"ref": "why", "type": "long_text"}}]} for item in newest]})

    def expected(self):
        made = {
            "mastodon": "mentions/m{}", "bluesky": "mentions/at://did:plc:zoe/app.bsky.feed.post/{}", "telegram": "messages/5:{}",
            "wecom-kf": "messages/w{}", "typeform": "responses/t{}"}
        return {name: sorted(made[name].format(item["n"]) for item in self.items[name]) for name in NAMES}


def serve(world):
    class Handler(servers.JSONHandler):
        def do_GET(self):
            self.answer({})

        def do_POST(self):
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            form = dict(urllib.parse.parse_qsl(raw.decode())) if not raw.startswith(b"{") else {}
            self.answer(json.loads(raw) if raw.startswith(b"{") else form)

        def answer(self, body):
            url = urllib.parse.urlparse(self.path)
            query, path = urllib.parse.parse_qs(url.query), url.path
            token = self.headers.get("Authorization", "")
            with world.lock:
                if "createSession" in path or "refreshSession" in path:
                    if "refreshSession" in path and token != f"Bearer {world.refresh}":
                        return self.give({"error": "ExpiredToken"}, 400)
                    world.logins += 1
                    world.access, world.refresh = f"access-{world.logins}", f"refresh-{world.logins}"
                    return self.give({"accessJwt": world.access, "refreshJwt": world.refresh, "did": "did:plc:us"})
                if path == "/cgi-bin/gettoken":
                    world.logins += 1
                    world.wecom = f"wecom-{world.logins}"
                    return self.give({"errcode": 0, "access_token": world.wecom, "expires_in": 7200})
                name = next((name for name, part in (("mastodon", "/api/v1/"), ("bluesky", "/xrpc/"), ("telegram", "/bot"), ("wecom-kf", "/cgi-bin/"), ("typeform", "/forms/")) if path.startswith(part)), None)
                if path.endswith("verify_credentials"):
                    return self.give({"id": "99"})
                if path.endswith("getSession"):
                    return self.give({"did": "did:plc:us"})
                if path.endswith("/getMe"):
                    return self.give({"ok": True, "result": {"id": 1}})
                if self.command == "GET" and world.fault(self, name) or path.endswith("sync_msg") and world.fault(self, name):
                    return None
                if name == "bluesky" and token != f"Bearer {world.access}":
                    return self.give({"error": "ExpiredToken"}, 400)
                if name == "wecom-kf" and query.get("access_token") != [world.wecom]:
                    return self.give({"errcode": 42001, "errmsg": "access_token expired"})
                if path.endswith("/statuses"):
                    text = body["status"].partition(" ")[2]
                    return world.post(self, name, self.headers["Idempotency-Key"], text, lambda n: {"id": f"ours-{n}"})
                if path.endswith("putRecord"):
                    return world.post(self, name, body["rkey"], body["record"]["text"], lambda n: {"uri": f"at://did:plc:us/app.bsky.feed.post/{body['rkey']}", "cid": f"ours-{n}"})
                if path.endswith("/sendMessage"):
                    return world.post(self, name, None, body["text"], lambda n: {"ok": True, "result": {"message_id": 100_000 + n}})
                if path.endswith("kf/send_msg"):
                    return world.post(self, name, body["msgid"], body["text"]["content"], lambda n: {"errcode": 0, "msgid": body["msgid"]})
                if path.endswith("notifications") and name == "mastodon":
                    return world.mastodon(self, query)
                if path.endswith("listNotifications"):
                    return world.bluesky(self, query)
                if path.endswith("getProfiles"):
                    return self.give({"profiles": [{"did": did, "followersCount": 12} for did in query.get("actors", [])]})
                if path.endswith("getUpdates"):
                    return world.telegram(self, query)
                if path.endswith("sync_msg"):
                    return world.wecom_messages(self, body)
                if path.endswith("batchget"):
                    return self.give({"errcode": 0, "customer_list": [{"external_userid": user, "nickname": "小红"} for user in body.get("external_userid_list", [])]})
                if path.endswith("/responses"):
                    return world.typeform(self, query)
                if path.startswith("/forms/"):
                    return self.give({"title": "Feedback", "fields": [{"ref": "why", "title": "Why?"}]})
                return self.give({"error": "no such thing"}, 404)

    return servers.StandIn(Handler)


def share(options, folder, base):
    """The project's own files, but for the address and the pace of five channels."""
    target = servers.share(options.share, folder)
    for name in NAMES:
        with open(f"{options.share}/channels/{name}.yaml", encoding="utf-8") as f:
            text = f.read()
        text = re.sub(r"https://(api\.telegram\.org|qyapi\.weixin\.qq\.com)", base, text)
        text = re.sub(r"every: \d+[smh]", "every: 1s", text).replace("wait: 60s", "wait: 1s").replace("timeout: 65s", "timeout: 5s")
        with open(f"{target}/channels/{name}.yaml", "w", encoding="utf-8") as f:
            f.write(text)
    return target


def story(options, folder):
    check = Checks()
    world = World(options.seed)
    server = serve(world)
    base = server.base
    database = f"{folder}/hongyan.sqlite3"
    with open(f"{folder}/hongyan.yaml", "w") as f:
        f.write(f"""database: sqlite://{database}
data: {folder}/data
share: {share(options, folder, base)}
listen: 127.0.0.1:0
accounts:
  mastodon: {{kind: channel, channel: mastodon, start: all, every: 500ms, plain: true, config: {{base: "{base}", token: {{env: TOKEN}}}}}}
  bluesky: {{kind: channel, channel: bluesky, start: all, every: 500ms, plain: true, config: {{pds: "{base}", identifier: us, password: {{env: TOKEN}}}}}}
  telegram: {{kind: channel, channel: telegram, start: all, every: 500ms, plain: true, config: {{token: {{env: TOKEN}}}}}}
  wecom-kf: {{kind: channel, channel: wecom-kf, start: all, every: 500ms, plain: true, config: {{corpid: us, secret: {{env: TOKEN}}, kf: [kf1]}}}}
  typeform: {{kind: channel, channel: typeform, start: all, every: 500ms, plain: true, config: {{base: "{base}", token: {{env: TOKEN}}, forms: [f1]}}}}
""")
    environment = dict(os.environ, TOKEN="t0ken-of-ours")
    command = [options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"]

    def stored():
        found = {name: [] for name in NAMES}
        for account, external in frame.rows(database, "SELECT account, external_id FROM interactions WHERE direction = 'inbound'"):
            found[account].append(external)
        return {name: sorted(ids) for name, ids in found.items()}

    answers = {}  # draft: (account, text)

    def agents(end):
        """Somebody answers all the time, and once in a while at length. A draft that the command did not take is tried again."""
        chance = random.Random(options.seed + 2)
        number = 0
        while time.time() < end:
            time.sleep(options.pause)
            name = chance.choice([name for name in NAMES if name != "typeform"])
            found = frame.rows(database, "SELECT number FROM tickets WHERE account = ? ORDER BY updated_at DESC LIMIT 1", name)
            if not found:
                continue
            number += 1
            text = f"answer {number} to {name}" + (" and so on" * 60 + f" end of {number}" if chance.random() < 0.1 and name == "mastodon" else "")
            for _ in range(5):
                done = subprocess.run(
                    [options.hongyan, "reply", str(found[0][0]), "--text", text, "--draft", f"draft-{number:06}", "--config", f"{folder}/hongyan.yaml"],
                    capture_output=True, text=True, env=environment)
                if done.returncode == 0:
                    answers[f"draft-{number:06}"] = (name, text)
                    break
                if "answers to one message" in done.stderr:
                    break
                time.sleep(0.2)
            else:
                print(f"an answer was not taken: {done.stderr.strip()}")

    daemon = servers.Process(command, f"{folder}/log", env=environment)
    try:
        chance = random.Random(options.seed + 1)
        writer = threading.Thread(target=agents, args=(time.time() + options.seconds,), daemon=True)
        writer.start()

        def happen():
            with world.lock:
                for _ in range(chance.randrange(4)):
                    world.happen()

        daemon.batter(options.seconds, options.kills, chance, happen, 0.1)
        world.is_quiet = True
        writer.join()
        with world.lock:
            expected = world.expected()
        total = sum(map(len, expected.values()))
        try:
            wait_for("all items", lambda: sum(map(len, stored().values())) >= total, 60, every=0.5)
        except Exception as error:
            print(f"not all came: {error}")
        open_rows = "SELECT send_key, state, response FROM sends WHERE kind = 'reply' AND state NOT IN ('accepted', 'uncertain', 'rejected', 'skipped')"
        try:
            wait_for("all answers", lambda: not frame.rows(database, open_rows), max(240, options.seconds / 2), every=0.5)
        except Exception as error:
            print(f"not all answers went: {error}: {frame.rows(database, open_rows)[:5]}")
        time.sleep(3)  # for doubles
        found = stored()
        print(f"       {total} items, {world.faults} faults, {options.kills} kills, {world.logins} logins")
        for name in NAMES:
            missing = sorted(set(expected[name]) - set(found[name]))
            check.equal(f"{name}: {len(expected[name])} items, missing", missing, [])
            check.equal(f"{name}: stored twice, or never made", len(found[name]) - len(set(found[name])) + len(set(found[name]) - set(expected[name])), 0)
        posted = {name: [text for where, text in world.texts if where == name] for name in NAMES}
        fate = dict(frame.rows(database, "SELECT send_key, state FROM sends WHERE kind = 'reply'"))
        print(f"       {len(answers)} answers, {len(world.texts)} posts, {sum(state == 'uncertain' for state in fate.values())} of unknown fate")
        for name in ("mastodon", "bluesky", "wecom-kf"):
            wanted = [text for where, text in answers.values() if where == name and "and so on" not in text]
            there = [text for text in posted[name] if "so on" not in text and "end of" not in text]
            check.equal(f"{name}: {len(wanted)} answers, not there exactly once", [text for text in wanted if there.count(text) != 1], [])
            check.equal(f"{name}: posts nobody wrote", sorted(set(there) - set(wanted)), [])
        long = [text for where, text in answers.values() if "and so on" in text]
        parts = [text for text in posted["mastodon"] if "so on" in text or "end of" in text]
        # Answers of others may stand between the parts of one.
        wrong = []
        for text in long:
            number = text.split()[1]
            first = [index for index, part in enumerate(parts) if part.startswith(f"answer {number} to ")]
            last = [index for index, part in enumerate(parts) if part.endswith(f" end of {number}")]
            if len(first) != 1 or len(last) != 1 or first[0] > last[0]:
                wrong.append(number)
        check.equal(f"{len(long)} long answers, not in parts and in order", wrong, [])
        check.equal("the parts hold every word, once", sum(len(part.split()) for part in parts), sum(len(text.split()) for text in long))
        states = {}
        for key, state in fate.items():
            states[key.split("/")[-1]] = state
        telegram = {draft: text for draft, (where, text) in answers.items() if where == "telegram"}
        counts = {draft: posted["telegram"].count(text) for draft, text in telegram.items()}
        check.equal(f"telegram: {len(telegram)} answers, sent more than once", [draft for draft, count in counts.items() if count > 1], [])
        check.equal("telegram: not there, and nobody said so", [draft for draft, count in counts.items() if count == 0 and states[draft] != "uncertain"], [])
        check.equal("telegram: said to be there, and is not", [draft for draft, count in counts.items() if count != 1 and states[draft] == "accepted"], [])
        rows = frame.rows(database, "SELECT author_name, body, fields FROM interactions WHERE account = 'wecom-kf' LIMIT 1")
        check.true("a name that a look-up found is the writer's", rows and rows[0][0] == "小红" and rows[0][1].startswith("你好"), rows)
        state = frame.rows(database, "SELECT value FROM account_cursors WHERE account = 'bluesky'")
        check.true("no session stands readable in the database", state and not re.search("access-|refresh-", str(state)), state)
        log = open(f"{folder}/log", errors="replace").read()
        check.true("no secret stands in the log", "t0ken-of-ours" not in log and "access-" not in log)
        shown = subprocess.run([options.hongyan, "status", "--config", f"{folder}/hongyan.yaml"], capture_output=True, text=True, env=environment).stdout
        check.true("every account works", all(re.search(rf"^{name} +working", shown, re.M) for name in NAMES), shown)
        check.equal("the daemon ends when told to", daemon.stop(), 0)
    finally:
        if daemon.alive():
            daemon.stop()
        server.shutdown()
    return check


if __name__ == "__main__":
    parser = frame.arguments()
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two answers")
    parser.add_argument("--seed", type=int, default=4)
    frame.run(parser, "channels", story)
