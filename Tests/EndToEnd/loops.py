#!/usr/bin/env python3
"""Machines that answer machines, with real servers: Dovecot, OpenSMTPD and two daemons that acknowledge every message at once.

    loops.py --hongyan BIN --share DIR [--minutes 10] [--keep]

The mail between them goes through a gateway that takes away every header that tells a machine from a person, and the null return path.
Beside them two autoresponders that never say what they are: one answers in the thread, one begins a new conversation each time. Without
--minutes it ends when nothing has moved for a while; with it somebody stirs the loops up again every half minute for that long.
Prints a line a check and ends with `N passed, N failed`.
"""
import email
import email.policy
import email.utils
import imaplib
import os
import re
import smtplib
import socketserver
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for

A, B, THREAD, FRESH, PERSON = (f"{name}@loop.test" for name in ("a", "b", "robot", "parrot", "person"))
# The default of loop_guard: automatic mails per ticket and recipient, and per recipient, before a breaker opens for a day.
CAP = 10
QUIET_SECONDS = 8


class Gateway:
    """Takes mail by SMTP and hands it on without the marks of automatic mail, under the writer's address: the worst that happens on the way."""

    STRIPPED = (b"auto-submitted", b"x-auto-response-suppress", b"precedence", b"x-hongyan-loop", b"list-id", b"list-unsubscribe")

    def __init__(self, port, spared):
        gateway = self
        self.port_out, self.spared = port, spared

        class Session(socketserver.StreamRequestHandler):
            timeout = 60

            def handle(self):
                self.say("220 gateway")
                sender, to = "", []
                while True:
                    line = self.rfile.readline(4096).strip()
                    verb = line[:4].upper()
                    if verb in (b"EHLO", b"HELO"):
                        self.say("250 gateway")
                    elif verb == b"MAIL":
                        sender, to = re.search(rb"<(.*?)>", line).group(1).decode(), []
                        self.say("250 ok")
                    elif verb == b"RCPT":
                        to.append(re.search(rb"<(.*?)>", line).group(1).decode())
                        self.say("250 ok")
                    elif verb == b"DATA":
                        self.say("354 go on")
                        lines = []
                        while (line := self.rfile.readline(1 << 16)) not in (b".\r\n", b""):
                            lines.append(line[1:] if line.startswith(b"..") else line)
                        gateway.hand_on(sender, to, b"".join(lines))
                        self.say("250 taken")
                    elif verb in (b"RSET", b"NOOP"):
                        self.say("250 ok")
                    else:
                        self.say("221 bye" if verb == b"QUIT" else "502 what?")
                        if verb == b"QUIT" or not line:
                            return

            def say(self, text):
                self.wfile.write(text.encode() + b"\r\n")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def hand_on(self, sender, to, raw):
        for address in to:
            envelope, mail = sender, raw
            if address not in self.spared:
                head, _, body = raw.partition(b"\r\n\r\n")
                fields = re.split(rb"\r\n(?![ \t])", head)
                kept = [f for f in fields if f.split(b":")[0].strip().lower() not in self.STRIPPED]
                envelope = email.message_from_bytes(raw, policy=email.policy.default)["From"].addresses[0].addr_spec
                mail = b"\r\n".join(kept) + b"\r\n\r\n" + body
            with smtplib.SMTP("127.0.0.1", self.port_out, timeout=30) as s:
                s.sendmail(envelope, [address], mail)

    def stop(self):
        self.server.shutdown()


class Autoresponder(threading.Thread):
    """Answers every mail in its mailbox at once and says nothing about being a machine."""

    def __init__(self, world, address, in_thread):
        super().__init__(daemon=True)
        self.world, self.address, self.in_thread, self.answered, self.over = world, address, in_thread, 0, False

    def run(self):
        box = imaplib.IMAP4("127.0.0.1", self.world.dovecot.imap)
        box.login(self.address, "pw")
        while not self.over:
            box.select("INBOX")
            for number in box.search(None, "UNSEEN")[1][0].split():
                raw = box.fetch(number, "(RFC822)")[1][0][1]
                message = email.message_from_bytes(raw, policy=email.policy.default)
                self.answered += 1
                self.answer(message)
            time.sleep(0.2)
        box.logout()

    def answer(self, message):
        to = message["From"].addresses[0].addr_spec
        subject = str(message["Subject"])
        lines = [f"From: {self.address}", f"To: {to}", f"Message-ID: <{self.address.split('@')[0]}.{self.answered}@loop.test>",
                 f"Date: {email.utils.formatdate()}"]
        if self.in_thread:
            lines += [f"Subject: Re: {subject.encode('ascii', 'replace').decode()}", f"In-Reply-To: {message['Message-ID']}"]
        else:
            lines += [f"Subject: Your request {self.answered} was noted"]
        self.world.smtp.send(self.address, to, "\r\n".join(lines + ["", "We have got your mail and will answer soon.", ""]).encode())


class World:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.dovecot = servers.Dovecot(f"{folder}/dovecot")
        self.smtp = servers.OpenSMTPD(f"{folder}/smtpd", self.dovecot.lmtp)
        self.gateway = Gateway(self.smtp.port, {PERSON})
        self.daemons = {}
        with open(f"{folder}/password", "w") as f:
            f.write("pw\n")
        self.names = {A: "a", B: "b"}
        for address, name in self.names.items():
            os.makedirs(f"{folder}/{name}")
            with open(f"{folder}/{name}/hongyan.yaml", "w") as f:
                f.write(f"""
database: sqlite://{folder}/{name}/hongyan.sqlite3
data: {folder}/{name}/data
listen: 127.0.0.1:0
accounts:
  inbox:
    kind: imap
    url: imap://127.0.0.1:{self.dovecot.imap}
    plain: true
    user: {address}
    password: {{file: {folder}/password}}
    every: 1s
    start: all
    acknowledge: {{template: received, on: message, every: 0}}
senders:
  out: {{kind: smtp, url: "smtp://127.0.0.1:{self.gateway.port}", plain: true, from: House {name.upper()} <{address}>}}
""")
            self.daemons[address] = servers.Process(
                [options.hongyan, "serve", "--config", f"{folder}/{name}/hongyan.yaml"], f"{folder}/{name}/log", env=self.environment())
        self.robots = [Autoresponder(self, THREAD, True), Autoresponder(self, FRESH, False)]
        for robot in self.robots:
            robot.start()

    def environment(self):
        return dict(os.environ, HONGYAN_SHARE=self.options.share)

    def hongyan(self, house, *arguments):
        done = subprocess.run([self.options.hongyan, *arguments, "--config", f"{self.folder}/{self.names[house]}/hongyan.yaml"],
                              capture_output=True, text=True, env=self.environment(), timeout=60)
        if done.returncode:
            raise RuntimeError(f"hongyan {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def rows(self, house, sql, *arguments):
        return frame.rows(f"{self.folder}/{self.names[house]}/hongyan.sqlite3", sql, *arguments)

    def log(self, house):
        return open(f"{self.folder}/{self.names[house]}/log", errors="replace").read()

    def write(self, sender, to, subject, text="Hello, where is my parcel?"):
        raw = (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{abs(hash((sender, subject)))}.{time.monotonic_ns()}@loop.test>\r\n"
               f"Date: {email.utils.formatdate()}\r\n\r\n{text}\r\n")
        self.smtp.send(sender, to, raw.encode())

    def got(self, mailbox, writer):
        """A house's own mails in a mailbox; what began or stirred the loops was written by a person at the same address."""
        messages = [email.message_from_bytes(raw, policy=email.policy.default) for raw in self.dovecot.mails(mailbox)]
        return [m for m in messages if str(m["From"]).startswith("House") and writer in str(m["From"])]

    def movement(self):
        sent = sum(self.rows(house, "SELECT count(*) FROM sends WHERE state <> 'skipped'")[0][0] if self.rows(house, "SELECT 1 FROM sends LIMIT 1") else 0
                   for house in self.names)
        return sent, sum(robot.answered for robot in self.robots), sum(len(self.dovecot.mails(m)) for m in (A, B, THREAD, FRESH))

    def close(self):
        for robot in self.robots:
            robot.over = True
        for part in (*self.daemons.values(), self.gateway, self.smtp, self.dovecot):
            part.stop()


def until_quiet(world, atMost):
    last, since, end = None, time.monotonic(), time.monotonic() + atMost
    while time.monotonic() < end:
        now = world.movement()
        if now != last:
            last, since = now, time.monotonic()
        if time.monotonic() - since > QUIET_SECONDS:
            return True
        time.sleep(0.5)
    return False


def stir(world, minutes):
    """Begins every loop again and again; the breakers must hold for the whole time."""
    end, round = time.monotonic() + 60 * minutes, 0
    while time.monotonic() < end:
        round += 1
        world.write(B, A, f"Once more {round}")
        world.write(THREAD, A, f"Again {round}")
        world.write(FRESH, A, f"And again {round}")
        time.sleep(min(30, max(1, end - time.monotonic())))


def run(options, folder):
    checks, world = Checks(), World(options, folder)
    try:
        wait_for("both daemons", lambda: all("Listening" in world.log(house) for house in world.names), 60)
        world.write(B, A, "A question")
        world.write(THREAD, A, "A robot's question")
        world.write(FRESH, A, "A parrot's question")
        if options.minutes:
            stir(world, options.minutes)
        checks.true("the loops came to rest by themselves", until_quiet(world, 60))

        for house, other in ((A, B), (B, A), (A, THREAD), (A, FRESH)):
            count = len(world.got(other, house))
            checks.true(f"automatic mails {house} → {other}, at most {CAP}, and the loop did turn", 3 <= count <= CAP, count)
        for other in (B, THREAD, FRESH):
            checks.true(f"the breaker of {other} has tripped and is listed", other in world.hongyan(A, "breaker", "list"))
            checks.true(f"status names {other}", re.search(rf"^breaker +{other}", world.hongyan(A, "status"), re.M))
            checks.true(f"the log names {other}", re.search(rf"breaker tripped.*{other}", world.log(A)))
            checks.true(f"an event names {other}", [1 for data, in world.rows(A, "SELECT data FROM events WHERE kind = 'loop.tripped'") if other in data])
            refused = world.rows(A, "SELECT response FROM sends WHERE recipient = ? AND state = 'skipped' ORDER BY id DESC LIMIT 1", other)
            checks.true(f"what is not sent to {other} says why", refused and refused[0][0].startswith(f"breaker: {other}"), refused and refused[0][0])
        checks.equal("nothing came in that was not stored", [row for house in world.names for row in world.rows(house, "SELECT id FROM spool WHERE state <> 'done'")], [])

        world.write(PERSON, A, "A person's question")
        receipt = wait_for("the person's receipt", lambda: world.got(PERSON, A), 30)[0]
        checks.equal("a person still gets a receipt, marked", str(receipt["Auto-Submitted"]), "auto-replied")
        checks.equal("with a null return path", str(receipt["Return-Path"]), "<>")
        checks.true("in the thread", receipt["In-Reply-To"] and receipt["References"])
        world.write(PERSON, A, "Another question", "Me again.")
        wait_for("the second receipt", lambda: len(world.got(PERSON, A)) == 2, 30)

        number = world.rows(A, "SELECT t.number FROM tickets t JOIN interactions i ON i.ticket_id = t.id WHERE i.author_email = ? LIMIT 1", THREAD)[0][0]
        before = len(world.got(THREAD, A))
        world.hongyan(A, "reply", str(number), "--text", "A person of ours writes this.", "--draft", "by-hand")
        wait_for("the agent's answer", lambda: len(world.got(THREAD, A)) == before + 1, 30)
        checks.true("what a person of ours writes goes out all the same", True)

        world.hongyan(A, "breaker", "clear", FRESH)
        before = len(world.got(FRESH, A))
        world.robots[1].over = True
        world.write(FRESH, A, "After the breaker was cleared")
        wait_for("a receipt after the breaker was cleared", lambda: len(world.got(FRESH, A)) > before, 30)
        checks.true("a cleared breaker lets automatic mail go again", True)
        for house, process in world.daemons.items():
            checks.equal(f"SIGTERM ends {house}, with code", process.stop(seconds=12), 0)
    except Exception as error:  # a broken run is a failed check, told with its log
        checks.true(f"the run went through: {type(error).__name__}: {error}", False)
    finally:
        world.close()
    if checks.failed:
        for house in world.names:
            print(world.log(house)[-3000:])
    return checks


def main():
    parser = frame.arguments()
    parser.add_argument("--minutes", type=float, default=0)
    frame.run(parser, "loops", run)


main()
