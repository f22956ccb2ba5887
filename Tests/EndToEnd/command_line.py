#!/usr/bin/env python3
"""The program as an operator meets it: check, migrate, user, serve with systemd's socket, reload, status, quarantine, replay, why, demo.

    command_line.py --hongyan BIN --share DIR
"""
import http.cookiejar
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for

CHECKS = Checks()
check = CHECKS.true


class Notified:
    """systemd's side of sd_notify."""

    def __init__(self, path):
        self.path, self.heard = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)

    def has(self, text):
        try:
            while True:
                self.heard.append(self.socket.recv(65536).decode())
        except BlockingIOError:
            pass
        return any(text in message for message in self.heard)


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.config = options, folder, f"{folder}/hongyan.yaml"
        self.environment = dict(os.environ, HONGYAN_SHARE=options.share)
        os.makedirs(f"{folder}/mailbox")
        os.makedirs(f"{folder}/outbox")
        self.write()

    def write(self, extra="", path="mailbox"):
        with open(self.config, "w") as f:
            f.write(f"""database: sqlite://{self.folder}/hongyan.sqlite3
data: {self.folder}/data
listen: 127.0.0.1:0
accounts:
  box: {{kind: folder, path: {self.folder}/{path}, every: 300ms, addresses: [support@hongyan.test]}}
senders:
  care: {{kind: folder, path: {self.folder}/outbox, from: Care <care@hongyan.test>}}
journeys: [welcome]
{extra}""")

    def run(self, *arguments, text=None):
        done = subprocess.run([self.options.hongyan, *arguments, "--config", self.config], capture_output=True, text=True, input=text, env=self.environment, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def put(self, name, raw, folder="mailbox"):
        path = f"{self.folder}/{folder}/{name}"
        with open(path + ".tmp", "wb") as f:
            f.write(raw)
        os.rename(path + ".tmp", path)


def mail(n, text="Hello, my lamp is broken and I am very unhappy."):
    return (f"From: Anna <anna{n}@customers.test>\r\nTo: support@hongyan.test\r\nSubject: Lamp {n}\r\nMessage-ID: <{n}@customers.test>\r\n"
            f"Date: Mon, 02 Mar 2026 08:00:00 +0000\r\n\r\n{text}\r\n").encode()


def configuration(bench):
    code, out, err = bench.run("check")
    check("check says that a good configuration is in order", code == 0 and "is in order" in out, err)
    bench.write("lisen: 1\n")
    code, out, err = bench.run("check")
    check("check names line, column and the word that was meant", code == 1 and "hongyan.yaml:9:1: `lisen` is not a key here; did you mean `listen`?" in err, err)
    code, out, err = bench.run("serve")
    check("serve refuses it with the same words", code == 1 and "did you mean `listen`?" in err, err)
    bench.write()
    code, out, err = bench.run("migrate")
    check("migrate makes the database", code == 0 and os.path.exists(f"{bench.folder}/hongyan.sqlite3"), err)
    with open(f"{bench.folder}/password", "w") as f:
        f.write("long enough\n")
    code, out, err = bench.run("user", "add", "maya", "--name", "Maya Chen", "--password-file", f"{bench.folder}/password")
    check("user add makes an agent", code == 0 and "maya may sign in" in out, err)
    with open(f"{bench.folder}/password", "w") as f:
        f.write("short\n")
    code, out, err = bench.run("user", "add", "li", "--password-file", f"{bench.folder}/password")
    check("user add refuses a short password", code == 1 and "choose a longer one" in err, err)


def serving(bench):
    notified = Notified(f"{bench.folder}/notify")
    environment = dict(bench.environment, NOTIFY_SOCKET=notified.path, WATCHDOG_USEC="3000000")
    daemon = servers.Process([bench.options.hongyan, "serve", "--config", bench.config], f"{bench.folder}/log", env=environment)
    log = lambda: open(f"{bench.folder}/log", errors="replace").read()
    try:
        wait_for("READY", lambda: notified.has("READY=1") or not daemon.alive(), 60)
        check("serve tells systemd when it is ready", notified.has("READY=1"), log()[-800:])
        wait_for("WATCHDOG", lambda: notified.has("WATCHDOG=1"), 10)
        check("and that it is alive", True)
        code, out, err = bench.run("serve")
        check("a second daemon on the same database is refused", code == 1 and "another daemon works on this database" in err, err)

        for n in range(5):
            bench.put(f"{n}.eml", mail(n))
        bench.put("empty.eml", b"")
        bench.put("binary.eml", bytes(range(256)) * 40)
        status = lambda: bench.run("status")[1]
        tickets = lambda: sqlite3.connect(f"file:{bench.folder}/hongyan.sqlite3?mode=ro", uri=True).execute("SELECT count(*) FROM tickets").fetchone()[0]
        wait_for("five tickets", lambda: tickets() >= 5, 60)
        wait_for("the quarantine", lambda: "empty.eml" in bench.run("quarantine", "list")[1], 60)
        code, out, err = bench.run("quarantine", "list")
        check("the empty mail is in quarantine with its reason, the others are not", "empty.eml" in out and "0.eml" not in out, out)
        number = next(line.split()[0] for line in out.splitlines() if "empty.eml" in line)
        code, out, err = bench.run("quarantine", "replay", number)
        check("it can be tried again", code == 0 and "will be tried again" in out, err)
        wait_for("it to be back in quarantine", lambda: "empty.eml" in bench.run("quarantine", "list")[1], 60)
        code, out, err = bench.run("quarantine", "drop", number)
        check("and given up", code == 0 and "empty.eml" not in bench.run("quarantine", "list")[1], err)
        wait_for("welcome mails", lambda: len([n for n in os.listdir(f"{bench.folder}/outbox") if n.endswith(".eml")]) >= 5, 60)
        check("each new customer got one welcome mail", len(os.listdir(f"{bench.folder}/outbox")) in (5, 6), os.listdir(f"{bench.folder}/outbox"))
        code, out, err = bench.run("reply", "1001", "--text", "We send a new one.")
        check("reply answers a ticket", code == 0, err)
        wait_for("the answer", lambda: any(b"We send a new one." in open(f"{bench.folder}/outbox/{n}", "rb").read() for n in os.listdir(f"{bench.folder}/outbox")), 30)
        code, out, err = bench.run("why", "1001")
        check("why tells how the ticket came to be", code == 0 and "identity" in out and "route" in out and "mood" in out, out + err)
        code, out, err = bench.run("why", "anna1@customers.test")
        check("why tells what was sent to a customer", code == 0 and "welcome/10-hello" in out and "accepted" in out, out + err)
        code, out, err = bench.run("ticket", "merge", "1002", "--into", "#1001", "--agent", "nobody")
        check("an agent who is not there is told", code == 1 and "there is no agent nobody" in err, err)
        code, out, err = bench.run("ticket", "merge", "1002", "--into", "#1001")
        check("a ticket is merged into another one", code == 0 and "in #1001 now" in out, out + err)
        code, out, err = bench.run("ticket", "show", "1002")
        check("and says so", code == 0 and "merged into #1001" in out, out + err)
        code, out, err = bench.run("ticket", "merge", "1003", "--into", "1002")
        check("one that was merged takes nothing in", code == 1 and "was merged into #1001" in err, err)
        code, out, err = bench.run("ticket", "unmerge", "1002")
        check("a merge is taken back", code == 0 and "in #1002 again" in out, out + err)
        code, out, err = bench.run("ticket", "split", "1001", "--message", "2")
        check("a message is moved to a new ticket", code == 0 and "The messages are in #" in out, out + err)
        code, out, err = bench.run("ticket", "split", "1001", "--message", "7")
        check("a message that is not there is told", code == 1 and "numbers them" in err, err)
        code, out, err = bench.run("breaker", "list")
        check("no breaker is open", code == 0 and "No breaker is open" in out, out + err)
        code, out, err = bench.run("breaker", "clear", "a@b.test")
        check("nor can one be cleared", code == 1 and "no breaker is open for a@b.test" in err, err)
        code, out, err = bench.run("reply", "999999", "--text", "x")
        check("a ticket that is not there is told", code == 1 and "there is no ticket #999999" in err, err)

        os.makedirs(f"{bench.folder}/second")
        bench.write("nonsense: 1\n", path="second")
        os.kill(daemon.pid, signal.SIGHUP)
        wait_for("the refusal", lambda: "the old one stays in force" in log(), 20)
        before = tickets()
        bench.put("after-bad-reload.eml", mail(50))
        wait_for("a mail in the old folder", lambda: tickets() == before + 1, 30)
        check("a wrong configuration on SIGHUP keeps the old one in force", notified.has("RELOADING=1"))
        bench.write(path="second")
        os.kill(daemon.pid, signal.SIGHUP)
        wait_for("the reload", lambda: "Reloaded." in log(), 20)
        bench.put("after-good-reload.eml", mail(51), folder="second")
        wait_for("a mail in the new folder", lambda: tickets() == before + 2, 30)
        check("a good one is taken into force without a restart", daemon.alive())
        code = daemon.stop(12)
        check("SIGTERM ends it within 12 s with code 0", code == 0, code)
        check("and systemd was told", notified.has("STOPPING=1"))
        check("the log holds no secret and no crash", "long enough" not in log() and "Fatal" not in log(), log()[-600:])
    finally:
        daemon.stop()


def polling(bench):
    bench.write("  other: {kind: folder, path: %s/other, every: 1m}\n" % bench.folder)
    with open(bench.config) as f:
        text = f.read()
    extra = text.splitlines()[-1]
    with open(bench.config, "w") as f:  # the second account beside the first
        f.write(text.replace(extra + "\n", "").replace("senders:", extra + "\nsenders:"))
    bench.put("1.eml", mail(1))
    code, out, err = bench.run("poll")
    check("poll reads what is there, names the account it cannot read, and ends with 1", code == 1 and "1 new messages" in out and "1 accounts in trouble" in out and "other" in err, out + err)
    code, out, err = bench.run("poll", "box")
    check("the others are in order", code == 0 and "1 accounts polled, 0 new messages" in out and err == "", out + err)
    code, out, err = bench.run("poll", "bix")
    check("an account that is not there is told", code == 1 and "there is no account `bix`; the configuration has box, other" in err, out + err)


def demo(bench):
    port = servers.free_port()
    daemon = servers.Process([bench.options.hongyan, "demo", "--port", str(port), "--seconds", "3"], f"{bench.folder}/demo.log", env=bench.environment)
    text = lambda: open(f"{bench.folder}/demo.log", errors="replace").read()
    try:
        wait_for("the demo's address", lambda: f"http://127.0.0.1:{port}" in text() or not daemon.alive(), 60)
        login, password = re.search(r"Sign in as: +(\S+) / (\S+)", text()).groups()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        base = f"http://127.0.0.1:{port}"
        page = browser.open(f"{base}/login", timeout=20).read().decode()
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page), login=login, password=password)
        browser.open(f"{base}/login", urllib.parse.urlencode(form).encode(), timeout=20)
        page = lambda: browser.open(f"{base}/", timeout=20).read().decode()
        wait_for("the demo's tickets in the inbox", lambda: "Smells of burning!" in page() and "催发货" in page(), 60)
        check("the demo prints its address and a login that works, and mails arrive", True)
        check("the demo tells three things to try", all(f"  {n}. " in text() for n in (1, 2, 3)))
        check("the demo stops with code 0", daemon.stop(15) == 0, text()[-500:])
    finally:
        daemon.stop()


def run(options, folder):
    for part in (configuration, serving, polling, demo):
        place = f"{folder}/{part.__name__}"
        os.mkdir(place)
        try:
            bench = Bench(options, place)
            if part is serving:
                bench.run("migrate")
            part(bench)
        except Exception as error:
            check(f"{part.__name__} went through", False, f"{type(error).__name__}: {error}")
            for name in ("log", "demo.log"):
                if os.path.exists(f"{place}/{name}"):
                    print(open(f"{place}/{name}", errors="replace").read()[-3000:])
    return CHECKS


frame.run(frame.arguments(), "cli", run)
