#!/usr/bin/env python3
"""What our mail looks like to others, with real servers and independent readers: OpenSMTPD takes it, Dovecot keeps it, dkimpy verifies it,
a conforming client unsubscribes (RFC 8058), and `hongyan doctor` reads a name server of the test.

    sending.py --hongyan BIN --share DIR [--keep]

Prints a line a check and ends with `N passed, N failed`. Run it with the Python that has python3-dkim (Debian's /usr/bin/python3).
"""
import email
import email.policy
import os
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dkim
import frame
import servers
from frame import Checks
from servers import wait_for

CARE, BOUNCE, SUPPORT = "care@shop.test", "bounce@shop.test", "support@shop.test"
ANA, BO = "ana@customers.test", "bo@customers.test"


class World:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.dovecot = servers.Dovecot(f"{folder}/dovecot")
        self.smtp = servers.OpenSMTPD(f"{folder}/smtpd", self.dovecot.lmtp)
        self.console = servers.free_port()
        self.records = {}
        for flags, selector in (([], "r1"), (["--ed25519"], "e1")):
            said = self.run("dkim", "new", "shop.test", selector, *flags, "--file", f"{folder}/{selector}.pem")
            name, value = re.search(r"name   (\S+)\n\s+value  (.+)", said).groups()
            self.records[name] = value
        with open(f"{folder}/hongyan.yaml", "w") as f:
            f.write(f"""
database: sqlite://{folder}/hongyan.sqlite3
data: {folder}/data
listen: 127.0.0.1:{self.console}
public_url: https://care.shop.test
replies: {{quote: last}}
accounts:
  support:
    kind: imap
    url: imap://127.0.0.1:{self.dovecot.imap}
    plain: true
    user: {SUPPORT}
    password: {{file: {folder}/password}}
    addresses: [{SUPPORT}, {CARE}]
    every: 2s
    start: all
senders:
  care:
    kind: smtp
    url: smtp://127.0.0.1:{self.smtp.port}
    plain: true
    from: 鸿雁 Care <{CARE}>
    bounces: {BOUNCE}
    dkim:
      - {{domain: shop.test, selector: r1, key: {folder}/r1.pem}}
      - {{domain: shop.test, selector: e1, key: {folder}/e1.pem}}
journeys: [welcome]
""")
        with open(f"{folder}/password", "w") as f:
            f.write("pw\n")
        self.daemon = servers.Process([options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"], f"{folder}/hongyan.log", env=self.environment())

    def environment(self):
        return dict(os.environ, HONGYAN_SHARE=self.options.share, LANG="C")

    def run(self, *arguments, may_fail=False, **more):
        environment = dict(self.environment(), **more)
        done = subprocess.run([self.options.hongyan, *arguments], capture_output=True, text=True, env=environment, timeout=90)
        if done.returncode and not may_fail:
            raise RuntimeError(f"hongyan {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return done.stdout

    def command(self, *arguments):
        return self.run(*arguments, "--config", f"{self.folder}/hongyan.yaml")

    def one(self, sql, *arguments):
        connection = sqlite3.connect(f"file:{self.folder}/hongyan.sqlite3?mode=ro", uri=True, timeout=20)
        try:
            rows = connection.execute(sql, arguments).fetchall()
            return rows[0][0] if rows else None
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise
        finally:
            connection.close()

    def delivered(self, address, count):
        wait_for(f"mail {count} for {address}", lambda: len(self.dovecot.mails(address)) >= count, 60)
        time.sleep(1)  # a second copy would be a mistake
        return self.dovecot.mails(address)

    def close(self):
        for part in (getattr(self, "daemon", None), self.smtp, self.dovecot):
            if part:
                part.stop()


def signatures(world, raw):
    """What dkimpy says of each signature, by its algorithm."""
    # LMTP adds its own fields above; the signed ones are below.
    message = dkim.DKIM(raw)
    found = lambda name, timeout=5: world.records.get((name.decode() if isinstance(name, bytes) else name).rstrip("."), "").encode()
    fields = email.message_from_bytes(raw).get_all("DKIM-Signature") or []
    verdicts = {}
    for index, field in enumerate(fields):
        try:
            verdict = message.verify(idx=index, dnsfunc=found)
        except dkim.ValidationError:  # how it says that the body is another one
            verdict = False
        verdicts[re.search(r"a=([\w-]+)", field).group(1)] = verdict
    return verdicts


def signed_names(raw):
    field = (email.message_from_bytes(raw).get_all("DKIM-Signature") or [""])[0]
    return re.sub(r"\s", "", re.search(r"h=([^;]*)", field).group(1)).lower().split(":")


def check_shape(checks, what, raw):
    head, body = raw.replace(b"\r\n", b"\n").split(b"\n\n", 1)
    names = [line.split(b":")[0].lower() for line in re.sub(rb"\n[ \t]", b" ", head).split(b"\n")]
    once = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type", b"reply-to", b"cc", b"feedback-id", b"list-unsubscribe"]
    checks.equal(f"{what}: fields that stand more than once", [n for n in once if names.count(n) > 1], [])
    checks.true(f"{what}: lines of at most 998 bytes, all ASCII", all(len(line) <= 998 for line in raw.split(b"\n")) and all(b < 128 for b in raw))
    words = re.findall(rb"=\?utf-8\?[bq]\?[^?]*\?=", head, re.I)
    checks.true(f"{what}: encoded words of at most 75 bytes", all(len(word) <= 75 for word in words))


def send_mail(world, sender, to, subject, body, cc=None, extra=""):
    copy = f"Cc: {cc}\r\n" if cc else ""
    raw = f"From: {sender}\r\nTo: {to}\r\n{copy}Subject: {subject}\r\nDate: Tue, 03 Mar 2026 09:00:00 +0000\r\nMessage-ID: <{abs(hash((sender, subject)))}@customers.test>\r\n{extra}\r\n{body}\r\n"
    world.smtp.send(sender, SUPPORT, raw.encode())


def check_welcome(world, checks):
    send_mail(world, ANA, SUPPORT, "My lamp", "It is dark.\r\nVery dark.", cc=BO)
    raw = world.delivered(ANA, 1)[0]
    message = email.message_from_bytes(raw, policy=email.policy.default)
    check_shape(checks, "welcome", raw)
    checks.equal("dkimpy verifies both signatures", signatures(world, raw), {"rsa-sha256": True, "ed25519-sha256": True})
    names = signed_names(raw)
    for name in ("from", "subject", "to", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"):
        checks.equal(f"{name} is signed, and once more", names.count(name), 2)
    path = str(message["Return-Path"])
    checks.true(f"the return path is its own ({path})", re.fullmatch(r"<bounce\+[0-9a-v]+-[0-9a-f]{16}@shop\.test>", path))
    checks.equal("text comes before HTML", [p.get_content_type() for p in message.iter_parts()], ["text/plain", "text/html"])
    tampered = raw.replace(b"Content-Type: text/html", b"Content-Type: text/xhtml")
    checks.true("a changed body fails", tampered != raw and not any(signatures(world, tampered).values()))
    return message


def post(world, url, body, kind):
    """As a mail provider does: no cookie, no authentication, no redirect followed."""
    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None
    address = url.replace("https://care.shop.test", f"http://127.0.0.1:{world.console}")
    request = urllib.request.Request(address, data=body, headers={"Content-Type": kind} if kind else {}, method="POST" if body is not None else "GET")
    with urllib.request.build_opener(NoRedirect).open(request, timeout=30) as answer:
        return answer.status, answer.headers.get_all("Set-Cookie") or []


def subscriptions(world):
    return world.one("SELECT count(*) FROM subscriptions WHERE is_subscribed = 0") or 0


def check_one_click(world, checks, message):
    field = str(message["List-Unsubscribe"])
    urls = re.findall(r"<([^>]+)>", field)
    checks.true(f"https comes first, then mailto ({len(urls)})", len(urls) == 2 and urls[0].startswith("https://") and urls[1].startswith("mailto:"))
    checks.equal("List-Unsubscribe-Post", str(message["List-Unsubscribe-Post"]), "List-Unsubscribe=One-Click")
    for _ in range(3):
        checks.equal("GET answers", post(world, urls[0], None, None), (200, []))
    checks.equal("and changes nothing", subscriptions(world), 0)
    checks.equal("POST, form-urlencoded", post(world, urls[0], b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"), (200, []))
    checks.equal("unsubscribes", subscriptions(world), 1)
    parts = b"--zz\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--zz--\r\n"
    checks.equal("POST, multipart, once more", post(world, urls[0], parts, "multipart/form-data; boundary=zz"), (200, []))
    checks.equal("and is still one", subscriptions(world), 1)
    return urls[1]


def check_mailto(world, checks):
    send_mail(world, BO, SUPPORT, "My chair", "It is broken.")
    message = email.message_from_bytes(world.delivered(BO, 1)[0], policy=email.policy.default)
    url = re.findall(r"<(mailto:[^>]+)>", str(message["List-Unsubscribe"]))[0]
    to, subject = re.fullmatch(r"mailto:([^?]+)\?subject=(.+)", url).groups()
    tickets = world.one("SELECT count(*) FROM tickets")
    before = subscriptions(world)
    send_mail(world, BO, to, subject.replace("%20", " "), "")
    wait_for("the unsubscribing mail", lambda: subscriptions(world) > before, 60)
    checks.equal("a mail to the mailto address unsubscribes", subscriptions(world), before + 1)
    checks.equal("and opens no ticket", world.one("SELECT count(*) FROM tickets"), tickets)


def check_answer(world, checks):
    number = world.one("SELECT number FROM tickets WHERE subject = 'My lamp'")
    path = f"{world.folder}/发票 2026 \"x\".pdf"
    data = bytes(range(256)) * 40
    with open(path, "wb") as f:
        f.write(data)
    (ana, bo) = (len(world.dovecot.mails(ANA)), len(world.dovecot.mails(BO)))
    world.command("reply", str(number), "--text", "Here is a **bulb**.", "--draft", "first", "--attach", path, "--all")
    raw, copy = world.delivered(ANA, ana + 1)[-1], world.delivered(BO, bo + 1)[-1]
    check_shape(checks, "answer", raw)
    checks.equal("dkimpy verifies the answer with its file", signatures(world, raw), {"rsa-sha256": True, "ed25519-sha256": True})
    checks.equal("and the copy", signatures(world, copy), {"rsa-sha256": True, "ed25519-sha256": True})
    (mail, other) = [email.message_from_bytes(each, policy=email.policy.default) for each in (raw, copy)]
    checks.equal("both say the same of themselves", [str(mail[n]) for n in ("Message-ID", "To", "Cc")], [str(other[n]) for n in ("Message-ID", "To", "Cc")])
    checks.true("their return paths differ", mail["Return-Path"] != other["Return-Path"])
    files = list(mail.iter_attachments())
    checks.equal("the file's name", [f.get_filename() for f in files], ["发票 2026 x.pdf"])
    checks.true("the file's bytes", files and files[0].get_content() == data)
    text = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    checks.true("new words first, then what was asked, quoted", text.startswith("Here is a bulb.\n\nOn 3 Mar 2026, 09:00 UTC, ana@customers.test wrote:\n> It is dark.\n> Very dark."))
    checks.true("it threads", mail["In-Reply-To"] and mail["References"] and str(mail["Subject"]).startswith("Re: My lamp [#"))


class Names:
    """A name server on loopback that knows a table of TXT, MX, A and PTR records."""
    TYPES = {"A": 1, "PTR": 12, "MX": 15, "TXT": 16}

    def __init__(self):
        self.table = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def put(self, name, kind, *values):
        self.table[(name.lower(), self.TYPES[kind])] = values

    @staticmethod
    def name(text):
        return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"

    def data(self, kind, value):
        if kind == 1:
            return socket.inet_aton(value)
        if kind == 12:
            return self.name(value)
        if kind == 15:
            return struct.pack("!H", value[0]) + self.name(value[1])
        raw = value.encode()
        return b"".join(bytes([len(raw[i:i + 255])]) + raw[i:i + 255] for i in range(0, len(raw), 255))

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            at, labels = 12, []
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            question = query[12:at + 5]
            kind = struct.unpack("!H", query[at + 1:at + 3])[0]
            values = self.table.get((".".join(labels).lower(), kind), ())
            answers = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(d)) + d for d in (self.data(kind, v) for v in values))
            self.socket.sendto(query[:2] + b"\x81\x80\0\x01" + struct.pack("!H", len(values)) + b"\0\0\0\0" + question + answers, peer)


def check_doctor(world, checks):
    names = Names()
    ask = ("doctor", "mail", "shop.test", "--server", f"127.0.0.1:{names.port}", "--config", f"{world.folder}/hongyan.yaml", "--ip", "192.0.2.7")
    said = world.run(*ask, may_fail=True)
    for topic in ("SPF", "DKIM", "DMARC", "MX", "PTR"):
        checks.true(f"doctor finds {topic} missing", re.search(rf"WRONG {topic}", said))
    checks.true("and says what to publish", "shop.test. IN TXT \"v=spf1 ip4:192.0.2.7 ~all\"" in said and "_dmarc.shop.test. IN TXT \"v=DMARC1; p=none;" in said)
    checks.true("in Chinese where the terminal is", "没有记录" in world.run(*ask, may_fail=True, LANG="zh_CN.UTF-8"))
    names.put("shop.test", "TXT", "v=spf1 ip4:192.0.2.7 ~all", "some other text")
    names.put("_dmarc.shop.test", "TXT", "v=DMARC1; p=quarantine; rua=mailto:a@shop.test")
    for name, value in world.records.items():
        names.put(name, "TXT", value)
    names.put("shop.test", "MX", (10, "mail.shop.test"))
    names.put("mail.shop.test", "A", "192.0.2.7")
    names.put("7.2.0.192.in-addr.arpa", "PTR", "mail.shop.test")
    said = world.run(*ask, may_fail=True)
    checks.true("with every record there nothing is wrong", said.rstrip().endswith("Nothing is wrong."))
    if "Nothing is wrong." not in said:
        print(said)
    names.put("e1._domainkey.shop.test", "TXT", "v=DKIM1; k=ed25519; p=AAAA")
    names.put("shop.test", "TXT", "v=spf1 -all")
    said = world.run(*ask, may_fail=True)
    checks.true("another key than ours is told", "shows another key" in said)
    checks.true("an address that may not send is told", "192.0.2.7 may not send" in said and "v=spf1 ip4:192.0.2.7 -all" in said)


LETTER = """---
subject: "{subject}"
---
{hello} {{{{name}}}},

{words}
"""


def check_postfix(checks, options, folder):
    """A letter in two languages through the strictest receiver: no command and no line of it is refused."""
    package = f"{options.share}/.build/postfix"
    if not checks.true("Postfix is unpacked (scripts/install test)", os.path.exists(f"{package}/usr/lib/postfix/sbin/master")):
        return
    home = f"{folder}/strict"
    os.makedirs(f"{home}/letter")
    os.chmod(home, 0o755)
    postfix = servers.Postfix(f"{home}/postfix", package)
    long_line = "x" * 1200 + " " + "字" * 900
    for name, subject, hello, words in (
        ("10-news.md", "Your order — naïve café 🎉 " + "long " * 40, "Hello", "A dot alone:\n\n.\n\nFrom here on: " + long_line),
        ("10-news.zh.md", "您的订单已发货，" + "请注意查收" * 30, "您好", "一行很长的文字：" + "订单已经发出，" * 300),
    ):
        with open(f"{home}/letter/{name}", "w") as f:
            f.write(LETTER.format(subject=subject, hello=hello, words=words))
    with open(f"{home}/list.csv", "w") as f:
        f.write("email,name,locale\n")
        for n in range(20):
            name, locale = ("李雷", "zh") if n % 2 else ("Ána (née) López", "en")
            f.write(f"c{n}@d{n % 4}.customers.test,{name} {n},{locale}\n")
    with open(f"{home}/hongyan.yaml", "w") as f:
        f.write(f"""
database: sqlite://{home}/hongyan.sqlite3
data: {home}/data
listen: 127.0.0.1:0
senders:
  care:
    kind: smtp
    url: smtp://127.0.0.1:{postfix.port}
    plain: true
    from: 鸿雁 Care <{CARE}>
    bounces: {BOUNCE}
    dkim:
      - {{domain: shop.test, selector: r1, key: {folder}/r1.pem}}
journeys: []
""")
    environment = dict(os.environ, HONGYAN_SHARE=options.share)
    command = [options.hongyan, "send", f"{home}/letter", "--to", f"{home}/list.csv", "--name", "news", "--purpose", "transactional", "--config", f"{home}/hongyan.yaml"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    daemon = servers.Process([options.hongyan, "serve", "--config", f"{home}/hongyan.yaml"], f"{home}/hongyan.log", env=environment)
    try:
        count = lambda: frame.rows(f"{home}/hongyan.sqlite3", "SELECT count(*) FROM sends WHERE state IN ('accepted', 'rejected')")[0][0]
        wait_for("Postfix's answers", lambda: count() == 20)
        states = frame.rows(f"{home}/hongyan.sqlite3", "SELECT state, count(*) FROM sends GROUP BY state")
        checks.equal("Postfix at its strictest accepts every letter", states, [("accepted", 20)])
        checks.equal("and refuses no command", re.findall(r"reject: .*|improper .*", postfix.said()), [])
        wait_for("the letters to come through", lambda: postfix.said().count("status=sent") >= 20)
    finally:
        daemon.stop()
        postfix.stop()


def run(options, folder):
    checks, world = Checks(), None
    try:
        world = World(options, folder)
        message = check_welcome(world, checks)
        check_one_click(world, checks, message)
        check_mailto(world, checks)
        check_answer(world, checks)
        check_doctor(world, checks)
        check_postfix(checks, options, folder)
    except Exception as error:  # a broken run is a failed check
        checks.true(f"the run went through: {type(error).__name__}: {error}", False)
    finally:
        if world:
            world.close()
    if checks.failed and os.path.exists(f"{folder}/hongyan.log"):
        print(open(f"{folder}/hongyan.log", errors="replace").read()[-3000:])
    return checks


if __name__ == "__main__":
    frame.run(frame.arguments(), "sending", run)
