#!/usr/bin/env python3
"""Hosted forms: what people send arrives exactly once with its files, however often they press the button, through kill -9.

    forms.py --hongyan BINARY --share FOLDER [--seconds 20] [--kills 8] [--seed 4] [--keep]
"""
import hashlib
import html
import http.client
import os
import random
import re
import signal
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for

PAGE = """title: {en: Claim, zh-CN: 申请}
protect: {min_time: 0s}
fields:
  who: {type: text, label: {en: Name, zh-CN: 姓名}, as: name, required: true}
  mail: {type: email, label: {en: Mail, zh-CN: 邮箱}, required: true}
  story: {type: textarea, label: {en: Story, zh-CN: 经过}, required: true}
  pics: {type: file, label: {en: Pictures, zh-CN: 图片}, accept: [image/*], max_size: 2MB, max_count: 2}
"""


def request(port, method, path, body=None, headers=None):
    """Status, headers and text; None when there was no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def multipart(fields, files):
    parts = [f'--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields]
    for name, filename, content in files:
        parts.append(f'--XX\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: image/png\r\n\r\n'.encode() + content + b"\r\n")
    return b"".join(parts) + b"--XX--\r\n"


class Person(threading.Thread):
    """Opens the page, fills it in, presses the button, and again when there is no answer, or out of impatience."""

    def __init__(self, number, port, seed, end):
        super().__init__(daemon=True)
        self.number, self.port, self.end = number, port, end
        self.chance = random.Random(f"{seed} {number}")
        self.sent, self.files, self.presses, self.wrong = [], {}, 0, []

    def persist(self, *what):
        while time.time() < self.end + 60:
            answer = request(self.port, *what)
            if answer and answer[0] != 503:
                return answer
            time.sleep(0.1)
        return None

    def run(self):
        while time.time() < self.end:
            story = f"story {self.number}-{len(self.sent)}"
            page = self.persist("GET", "/forms/claim?lang=zh-CN&utm_source=test")
            ticket = html.unescape(re.search(r'name="_once" value="([^"]+)"', page[2]).group(1))
            files = []
            if self.chance.random() < 0.5:
                content = b"\x89PNG\r\n\x1a\n" + self.chance.randbytes(self.chance.randrange(1000, 400_000))
                files = [("pics", "a.png", content)]
            fields = [("_page", "1"), ("_once", ticket), ("who", "梅"), ("mail", f"p{self.number}@customers.test"), ("story", story), ("utm_source", "test")]
            if self.chance.random() < 0.2:  # forgets something first; the file is kept
                wrong = self.persist("POST", "/forms/claim?lang=zh-CN", multipart([f for f in fields if f[0] != "mail"], files), {"Content-Type": "multipart/form-data; boundary=XX"})
                if wrong[0] != 422 or story not in wrong[2]:
                    self.wrong.append(wrong)
                kept = [html.unescape(value) for value in re.findall(r'name="_kept" value="([^"]+)"', wrong[2])]
                if len(kept) != len(files):
                    self.wrong.append(("kept", kept))
                if files:
                    self.files[story] = hashlib.sha256(files[0][2]).hexdigest()
                fields, files = fields + [("_kept", value) for value in kept], []
            if files:
                self.files[story] = hashlib.sha256(files[0][2]).hexdigest()
            body = multipart(fields, files)
            self.sent.append(story)
            presses = self.chance.choice((1, 1, 2, 3))
            for _ in range(presses):
                self.presses += 1
                answer = self.persist("POST", "/forms/claim?lang=zh-CN", body, {"Content-Type": "multipart/form-data; boundary=XX"})
                if not answer or answer[0] != 303:
                    self.wrong.append(answer)


def story(options, folder):
    check, port = Checks(), servers.free_port()
    database = f"{folder}/hongyan.sqlite3"
    with open(f"{folder}/claim.yaml", "w", encoding="utf-8") as f:
        f.write(PAGE)
    with open(f"{folder}/hongyan.yaml", "w") as f:
        f.write(f"""database: sqlite://{database}
data: {folder}/data
share: {options.share}
listen: 127.0.0.1:{port}
forms:
  claim: {{page: claim.yaml, queue: Repairs, per_hour: 100000}}
""")
    command = [options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"]

    daemon = servers.Process(command, f"{folder}/log")
    try:
        wait_for("the page", lambda: request(port, "GET", "/forms/claim"), 30, every=0.1)
        chance = random.Random(options.seed)
        end = time.time() + options.seconds
        people = [Person(number, port, options.seed, end) for number in range(6)]
        for person in people:
            person.start()
        daemon.batter(options.seconds, options.kills, chance)
        for person in people:
            person.join(90)
        expected = sorted(story for person in people for story in person.sent)

        def stored():
            return sorted(row[0] for row in frame.rows(database, "SELECT body FROM interactions WHERE account = 'form:claim'"))

        try:
            wait_for("all messages", lambda: len(stored()) >= len(expected), 60, every=0.5)
        except Exception as error:
            print(f"not all came: {error}")
        time.sleep(2)  # for doubles
        found = stored()
        print(f"       {len(expected)} messages, {sum(p.presses for p in people)} presses, {sum(len(p.files) for p in people)} files, {options.kills} kills")
        check.equal("missing", sorted(set(expected) - set(found)), [])
        check.equal("stored twice, or never sent", found == expected, True)
        check.equal("answers that were not expected", [w for p in people for w in p.wrong][:3], [])
        rows = frame.rows(database, "SELECT author_name, author_email, fields FROM interactions WHERE account = 'form:claim' LIMIT 1")
        check.true("the person who filled it in is the writer", rows and rows[0][0] == "梅" and "@customers.test" in rows[0][1], rows)
        check.true("where they came from is kept", rows and "utm_source" in rows[0][2], rows)
        files = {p: h for person in people for p, h in person.files.items()}
        missing = []
        for text, digest in files.items():
            blob = f"{folder}/data/blobs/{digest[:2]}/{digest}"
            named = frame.rows(
                database, "SELECT count(*) FROM attachments a JOIN interactions i ON a.interaction_id = i.id WHERE i.body = ? AND a.hash = ?", text, digest)
            if not os.path.exists(blob) or hashlib.sha256(open(blob, "rb").read()).hexdigest() != digest or named != [(1,)]:
                missing.append(text)
        check.equal(f"{len(files)} files are whole and belong to their messages, but for", missing[:3], [])
        check.equal("nothing is in quarantine", frame.rows(database, "SELECT count(*) FROM spool WHERE state = 'quarantined'"), [(0,)])
        with open(f"{folder}/claim.yaml", "w", encoding="utf-8") as f:
            f.write(PAGE.replace("type: email", "type: e-mail"))
        os.kill(daemon.pid, signal.SIGHUP)
        wait_for("the refusal", lambda: "claim.yaml:5:16" in open(f"{folder}/log", errors="replace").read(), 20)
        check.true("a wrong file keeps the old page in force", ">Mail</label>" in request(port, "GET", "/forms/claim?lang=en")[2])
        with open(f"{folder}/claim.yaml", "w", encoding="utf-8") as f:
            f.write(PAGE.replace("en: Mail", "en: E-mail address"))
        os.kill(daemon.pid, signal.SIGHUP)
        wait_for("the new page", lambda: ">E-mail address</label>" in request(port, "GET", "/forms/claim?lang=en")[2], 20)
        check.equal("the daemon ends when told to", daemon.stop(), 0)
    finally:
        if daemon.alive():
            daemon.stop()
    return check


if __name__ == "__main__":
    parser = frame.arguments()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=4)
    frame.run(parser, "forms", story)
