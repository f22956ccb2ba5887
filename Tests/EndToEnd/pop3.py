#!/usr/bin/env python3
"""A POP3 mailbox at Dovecot: mails come once, through kill -9 and a restarted server; deleted is only what an earlier session stored.

    pop3.py --hongyan BINARY --share FOLDER [--keep]
"""
import os
import random
import smtplib
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for

MAILS = 120
KILLS = 6


def mail(number, kilobytes=0):
    words = "\r\n".join([f"Order {number} has not arrived.", ".", "..two dots", "x" * 900] + ["y" * 76] * (kilobytes * 13))
    return (
        f"From: Customer {number} <c{number}@customers.test>\r\nTo: {{user}}\r\nSubject: Order {number}\r\n"
        f"Message-ID: <order-{number}@customers.test>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\n{words}\r\n"
    )


def story(options, folder):
    check = Checks()
    dovecot = servers.Dovecot(f"{folder}/dovecot", pop3=True)
    database = f"{folder}/hongyan.sqlite3"
    with open(f"{folder}/hongyan.yaml", "w") as f:
        f.write(f"""database: sqlite://{database}
data: {folder}/data
listen: 127.0.0.1:0
accounts:
  kept: {{kind: pop3, url: "pop3://127.0.0.1:{dovecot.pop3}", user: kept, password: {{env: PW}}, plain: true, start: all, every: 300ms}}
  taken: {{kind: pop3, url: "pop3://127.0.0.1:{dovecot.pop3}", user: taken, password: {{env: PW}}, plain: true, start: all, every: 300ms, after: delete}}
  wrong: {{kind: pop3, url: "pop3://127.0.0.1:{dovecot.pop3}", user: kept, password: {{env: WRONG}}, plain: true, every: 1s}}
""")
    environment = dict(os.environ, PW="pw", WRONG="not-it", HONGYAN_SHARE=options.share)
    command = [options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"]
    daemon = None

    def start():
        return servers.Process(command, f"{folder}/log", env=environment)

    def deliver(user, *texts):
        with smtplib.LMTP("127.0.0.1", dovecot.lmtp) as lmtp:
            for text in texts:
                lmtp.sendmail("c@customers.test", [user], text.format(user=user).encode())

    def stored(account):
        return [row[0] for row in frame.rows(database, "SELECT subject FROM interactions WHERE account = ?", account)]

    def status():
        return subprocess.run([options.hongyan, "status", "--config", f"{folder}/hongyan.yaml"], capture_output=True, text=True, env=environment).stdout

    try:
        for user in ("kept", "taken"):
            deliver(user, *(mail(number, kilobytes=300 if number % 40 == 0 else 0) for number in range(MAILS)))
        chance = random.Random(5)
        for _ in range(KILLS):
            daemon = start()
            time.sleep(0.3 + chance.random())
            check.true("the daemon runs when it is killed", daemon.alive(), open(f"{folder}/log").read())
            daemon.kill()
        daemon = start()
        expected = sorted(f"Order {number}" for number in range(MAILS))
        for account in ("kept", "taken"):
            wait_for(f"the mails of {account}", lambda: len(stored(account)) >= MAILS, 60)
            check.equal(f"every mail of {account} is stored once", sorted(stored(account)) == expected, True)
        bodies = [row[0] for row in frame.rows(database, "SELECT body FROM interactions WHERE subject = 'Order 7'")]
        check.true("dots at the start of a line are the sender's", len(bodies) == 2 and all("\n.\n..two dots\n" in body for body in bodies), bodies[:1])
        largest = frame.rows(database, "SELECT body FROM interactions WHERE subject = 'Order 40'")
        check.equal("a mail of 300 KB is whole", [body[0].count("y" * 76) for body in largest], [3900, 3900])

        wait_for("the deletion", lambda: not dovecot.mails("taken"), 30)
        check.equal("what was stored is deleted where that was asked", len(dovecot.mails("taken")), 0)
        check.equal("and stays on the server where it was not", len(dovecot.mails("kept")), MAILS)

        deliver("taken", mail(1000))
        wait_for("the next mail", lambda: "Order 1000" in stored("taken"), 20)
        daemon.kill()
        dovecot.stop()
        dovecot.start()
        daemon = start()
        deliver("kept", mail(1001))
        wait_for("a mail after the server's restart", lambda: "Order 1001" in stored("kept"), 30)
        wait_for("the deletion of the last mail", lambda: not dovecot.mails("taken"), 30)
        check.equal("after another kill and a restarted server every mail is there once", (len(stored("kept")), len(stored("taken"))), (MAILS + 1, MAILS + 1))
        wait_for("word of the refused login", lambda: "\nwrong " in status(), 30)
        lines = status().splitlines()
        at = next(index for index, line in enumerate(lines) if line.startswith("wrong "))
        check.true("the account with the wrong password is not called working", "working" not in lines[at], lines[at])
        check.true("it says what to do, and holds nobody up", "refused the login" in " ".join(lines[at : at + 3]), lines[at : at + 3])
        check.equal("the daemon ends when told to", daemon.stop(), 0)
    finally:
        if daemon:
            daemon.stop() if daemon.alive() else None
        dovecot.stop()
    return check


if __name__ == "__main__":
    frame.run(frame.arguments(), "pop3", story)
