#!/usr/bin/env python3
"""The whole way of a message, with real servers: Dovecot (IMAP with IDLE), OpenSMTPD, an HTTP server for form and feed, and the daemon.

    end_to_end.py --hongyan BIN --share DIR [--kills 20] [--database sqlite|postgres://…] [--seed 7] [--keep]

200 mails, 50 form entries and 50 feed entries arrive while the daemon runs (with --kills: while it is killed with -9 at random moments).
Prints a line a check and ends with `N passed, N failed`.
"""
import email
import email.policy
import os
import random
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for
from story import SUPPORT, Story

CARE = "care@hongyan.test"


class World:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.dovecot = servers.Dovecot(f"{folder}/dovecot")
        self.smtp = servers.OpenSMTPD(f"{folder}/smtpd", self.dovecot.lmtp)
        self.web = servers.Web()
        self.story = Story(options.seed)
        self.database = f"{folder}/hongyan.sqlite3"
        self.show(0, 0)
        with open(f"{folder}/hongyan.yaml", "w") as f:
            f.write(f"""
database: sqlite://{self.database}
data: {folder}/data
listen: 127.0.0.1:0
public_url: https://care.hongyan.test
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
    queue: Support
  contact:
    kind: form
    url: http://127.0.0.1:{self.web.port}/entries.json
    every: 1s
    start: all
    queue: Web
    form:
      format: json
      records: $.entries[*]
      id: id
      at: when
      name: name
      email: mail
      subject: subject
      text: message
  mentions:
    kind: feed
    url: http://127.0.0.1:{self.web.port}/feed.xml
    every: 1s
    queue: Social
senders:
  care:
    kind: smtp
    url: smtp://127.0.0.1:{self.smtp.port}
    plain: true
    from: Hongyan Care <{CARE}>
journeys: [welcome]
""")
        with open(f"{folder}/password", "w") as f:
            f.write("pw\n")
        self.daemon = None
        self.starts = 0

    def show(self, entries, posts):
        self.web.put("/entries.json", "application/json", self.story.form_document(entries))
        self.web.put("/feed.xml", "application/atom+xml", self.story.feed_document(posts))

    def environment(self):
        return dict(os.environ, HONGYAN_SHARE=self.options.share)

    def start(self):
        self.starts += 1
        self.daemon = servers.Process([self.options.hongyan, "serve", "--config", f"{self.folder}/hongyan.yaml"], f"{self.folder}/hongyan.log", env=self.environment())

    def hongyan(self, *arguments):
        done = subprocess.run([self.options.hongyan, *arguments, "--config", f"{self.folder}/hongyan.yaml"], capture_output=True, text=True, env=self.environment(), timeout=60)
        if done.returncode:
            raise RuntimeError(f"hongyan {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def rows(self, sql, *arguments):
        return frame.rows(self.database, sql, *arguments)

    def one(self, sql, *arguments):
        rows = self.rows(sql, *arguments)
        return rows[0][0] if rows else 0

    def welcomes(self, address):
        found = []
        for raw in self.dovecot.mails(address):
            message = email.message_from_bytes(raw, policy=email.policy.default)
            if CARE in str(message["From"]):
                found.append(message)
        return found

    def close(self):
        for part in (self.daemon, self.smtp, self.dovecot, self.web):
            if part:
                part.stop()


def tell_the_story(world, pause):
    """Sends everything in uneven waves; form and feed grow meanwhile."""
    dice = random.Random(world.options.seed)
    story = world.story
    for n, mail in enumerate(story.mails):
        world.smtp.send(mail.sender, SUPPORT, mail.raw)
        share = (n + 1) / len(story.mails)
        if n % 10 == 9:
            world.show(int(share * len(story.entries)), int(share * len(story.posts)))
        if dice.random() < 0.2:
            time.sleep(pause * dice.random())
    world.show(len(story.entries), len(story.posts))


def settled(world):
    """Everything arrived, is placed, and the ledger has no open row."""
    return (world.one("SELECT count(*) FROM interactions WHERE direction = 'inbound' AND state = 'placed'") >= world.expected_inbound
            and world.one("SELECT count(*) FROM enrolments") >= world.story.customers
            and world.one("SELECT count(*) FROM enrolments WHERE state = 'active'") == 0
            and world.one("SELECT count(*) FROM sends WHERE state NOT IN ('accepted', 'rejected', 'uncertain', 'skipped')") == 0
            and world.one("SELECT count(*) FROM sends") >= world.story.customers)


def check_intake(world, checks):
    story = world.story
    one = world.one
    checks.equal("interactions", one("SELECT count(*) FROM interactions WHERE direction = 'inbound'"), story.interactions)
    for account, count in (("support", len(story.mails)), ("contact", len(story.entries)), ("mentions", len(story.posts))):
        checks.equal(f"interactions of {account}", one("SELECT count(*) FROM interactions WHERE account = ? AND direction = 'inbound'", account), count)
    checks.equal("customers", one("SELECT count(*) FROM customers"), story.customers)
    checks.equal("tickets", one("SELECT count(*) FROM tickets"), story.tickets)
    checks.equal("quarantined", one("SELECT count(*) FROM spool WHERE state = 'quarantined'"), 0)
    threads = {}
    found = {}
    pattern = re.compile(r"(TOK|FRM|PST)\d{5}")
    for subject, body, ticket in world.rows("SELECT subject, body, ticket_id FROM interactions WHERE direction = 'inbound'"):
        token = pattern.search(body or "") or pattern.search(subject or "")
        if token:
            found[token.group()] = found.get(token.group(), 0) + 1
            threads.setdefault(story.thread_of.get(token.group()), set()).add(ticket)
    checks.equal("tokens found, each once", (len(found), max(found.values(), default=0)), (story.interactions, 1))
    checks.equal("threads spread over several tickets", sorted(str(t) for t, ids in threads.items() if t and len(ids) != 1), [])
    checks.equal("automatic mail outside a thread has no ticket", threads.get(None), {None})
    garbled = [s for s, b in world.rows("SELECT subject, body FROM interactions WHERE direction = 'inbound'") if "\ufffd" in (s or "") + (b or "")]
    checks.equal("garbled texts", garbled, [])
    checks.equal("pictures attached", one("SELECT count(*) FROM attachments WHERE type = 'image/png'"), sum(b"image/png" in m.raw for m in story.mails))
    checks.true("every human message has a mood", one("SELECT count(*) FROM interactions WHERE nature = 'human' AND direction = 'inbound' AND mood_score IS NULL AND language IN ('zh', 'en')") == 0)
    checks.true("moods differ", one("SELECT count(DISTINCT mood_label) FROM interactions WHERE direction = 'inbound'") >= 2)


def check_welcomes(world, checks, killed):
    story = world.story
    uncertain = {row[0] for row in world.rows("SELECT recipient FROM sends WHERE state = 'uncertain'")}
    # The SMTP server has its own queue before Dovecot: what it accepted may still be on its way. Then a moment more, for any that would come twice.
    try:
        wait_for("the SMTP server's queue", lambda: all(a in uncertain or world.welcomes(a) for a in story.people), 60, every=0.5)
    except TimeoutError:
        pass  # the checks below name who is missing
    time.sleep(3)
    counts = {address: len(world.welcomes(address)) for address in story.people}
    checks.equal("customers who got two welcome mails", sorted(a for a, n in counts.items() if n > 1), [])
    missing = sorted(a for a, n in counts.items() if n == 0)
    checks.equal("customers without a welcome mail that is not marked uncertain", [a for a in missing if a not in uncertain], [])
    if not killed:
        checks.equal("uncertain sends", len(uncertain), 0)
    else:
        print(f"       uncertain sends: {len(uncertain)}, of these delivered: {len([a for a in uncertain if counts.get(a)])}")
    checks.equal("ledger rows, one a customer", world.one("SELECT count(*) FROM sends WHERE kind = 'journey'"), story.customers)
    checks.equal("skipped with a reason: nobody to write to", world.one("SELECT count(*) FROM sends WHERE state = 'skipped' AND response IS NOT NULL"), len({p["author"] for p in story.posts}))
    checks.equal("automatic senders who got mail", sorted(a for a in story.automatic if a in world.dovecot.users()), [])


def check_welcome_headers(world, checks):
    message = world.welcomes(next(a for a in world.story.people if world.welcomes(a)))[0]
    checks.true("List-Unsubscribe is https", str(message["List-Unsubscribe"]).startswith("<https://care.hongyan.test/u/"), str(message["List-Unsubscribe"])[:40])
    checks.equal("List-Unsubscribe-Post", str(message["List-Unsubscribe-Post"]), "List-Unsubscribe=One-Click")
    checks.equal("Auto-Submitted", str(message["Auto-Submitted"]), "auto-generated")
    checks.equal("parts", [p.get_content_type() for p in message.iter_parts()], ["text/plain", "text/html"])


def check_answers(world, checks):
    """Ten customers answer their welcome mail: each answer joins the ticket that their first message opened."""
    expected = {}
    for address in sorted(a for a in world.story.people if world.welcomes(a))[:10]:
        welcome = world.welcomes(address)[0]
        token = f"ANS{len(expected):05d}"
        expected[token] = world.one("SELECT ticket_id FROM sends WHERE recipient = ? AND kind = 'journey'", address)
        answer = (f"From: {address}\r\nTo: {CARE}\r\nSubject: Re: {welcome['Subject'].splitlines()[0].encode('ascii', 'replace').decode()}\r\nMessage-ID: <{token.lower()}@customers.test>\r\n"
                  f"In-Reply-To: {welcome['Message-ID']}\r\nDate: Tue, 03 Mar 2026 09:00:00 +0000\r\n\r\nThank you! {token}\r\n")
        world.smtp.send(address, SUPPORT, answer.encode())
    def arrived():
        return world.one("SELECT count(*) FROM interactions WHERE body LIKE '%ANS0%' AND state = 'placed'") == len(expected)
    wait_for("the answers", arrived, 60)
    found = {re.search(r"ANS\d{5}", body).group(): ticket for body, ticket in world.rows("SELECT body, ticket_id FROM interactions WHERE body LIKE '%ANS0%'")}
    checks.equal("answers to the welcome mail join the ticket it belongs to", found, expected)
    checks.equal("the answers opened no ticket", world.one("SELECT count(*) FROM tickets"), world.story.tickets)
    checks.equal("nor made a customer", world.one("SELECT count(*) FROM customers"), world.story.customers)


def check_reply(world, checks):
    number, address = world.rows("SELECT t.number, i.author_email FROM tickets t JOIN interactions i ON i.ticket_id = t.id WHERE i.kind = 'mail' AND i.nature = 'human' ORDER BY t.number LIMIT 1")[0]
    before = len(world.dovecot.mails(address))
    world.hongyan("reply", str(number), "--text", "Your parcel is on its way.\n\n您的包裹已发出。", "--draft", "first")
    world.hongyan("reply", str(number), "--text", "Your parcel is on its way.\n\n您的包裹已发出。", "--draft", "first")
    wait_for("the reply in the customer's mailbox", lambda: len(world.dovecot.mails(address)) > before, 30)
    time.sleep(1)
    mails = world.dovecot.mails(address)
    checks.equal("a reply given twice as one draft is sent once", len(mails) - before, 1)
    message = email.message_from_bytes(mails[-1], policy=email.policy.default)
    checks.true("the reply carries the words", "您的包裹已发出" in message.get_body(("plain",)).get_content())
    checks.true("the reply threads", message["In-Reply-To"] and message["References"])
    checks.true("hongyan why tells the reasons", "rule" in world.hongyan("why", str(number)) or "queue" in world.hongyan("why", str(number)))


def run(options, folder):
    checks, world = Checks(), World(options, folder)
    dice = random.Random(options.seed + 1)
    try:
        world.expected_inbound = world.story.interactions
        world.start()
        teller = threading.Thread(target=tell_the_story, args=(world, 0.5), daemon=True)
        began = time.monotonic()
        teller.start()
        for kill in range(options.kills):
            time.sleep(0.2 + 2.2 * dice.random())
            world.daemon.kill()
            world.start()
        teller.join(timeout=300)
        try:
            wait_for("everything to be placed and every send to end", lambda: settled(world) or not world.daemon.alive(), 180, every=0.2)
        except TimeoutError as error:
            checks.true(str(error), False)
        checks.true("the daemon is still running", world.daemon.alive())
        print(f"       settled after {time.monotonic() - began:.1f} s, {world.starts} starts of the daemon")
        check_intake(world, checks)
        check_welcomes(world, checks, options.kills > 0)
        check_welcome_headers(world, checks)
        check_answers(world, checks)
        check_reply(world, checks)
        code = world.daemon.stop(seconds=12)
        checks.equal("SIGTERM ends it within its time, with code", code, 0)
        checks.equal("the database is sound", world.one("PRAGMA integrity_check"), "ok")
    except Exception as error:  # a broken run is a failed check, told with its log
        checks.true(f"the run went through: {type(error).__name__}: {error}", False)
    finally:
        world.close()
    if checks.failed:
        print(open(f"{folder}/hongyan.log", errors="replace").read()[-4000:])
    return checks


def main():
    parser = frame.arguments()
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=7)
    frame.run(parser, "e2e", run)


main()
