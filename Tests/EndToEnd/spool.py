#!/usr/bin/env python3
"""Files dropped into directories: every message arrives exactly once, every file ends in done/ or failed/, through kill -9.

    spool.py --hongyan BINARY --share FOLDER [--seconds 20] [--kills 8] [--seed 4] [--keep]
"""
import json
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for


class Dropper:
    """Writes under a hidden name and renames; names come again on purpose."""

    def __init__(self, folder, seed):
        self.folder, self.chance, self.number = folder, random.Random(seed), 0
        self.expected = {"mail": set(), "rows": set()}
        self.files, self.bad = {"mail": 0, "rows": 0}, {"mail": 0, "rows": 0}
        for account in self.files:
            os.makedirs(f"{folder}/{account}")

    def put(self, account, name, text):
        # The reader may have the earlier file of that name in hand: a writer that must not lose it waits until it is gone.
        while os.path.exists(f"{self.folder}/{account}/{name}"):
            self.number += 1
            name = f"{self.number}-{name}"
        hidden = f"{self.folder}/{account}/.{name}"
        with open(hidden, "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(hidden, f"{self.folder}/{account}/{name}")
        self.files[account] += 1

    def drop(self):
        self.number += 1
        n, kind = self.number, self.chance.randrange(6)
        if kind == 0:
            self.put("mail", f"{n % 7}.eml", f"From: c{n}@customers.test\nTo: us@house.test\nSubject: mail {n}\nMessage-ID: <{n}@customers.test>\n\nwords {n}\n")
            self.expected["mail"].add(f"mail {n}")
        elif kind == 1:
            count = self.chance.randrange(1, 30)
            rows = "".join(f"{n}-{i},2026-01-02 03:04:05,c{n}@customers.test,Zoe,\"words, {i}\"\n" for i in range(count))
            self.put("rows", "export.csv", "Number,Timestamp,Email,Name,Message\n" + rows)
            self.expected["rows"].update(f"rows/{n}-{i}" for i in range(count))
        elif kind in (2, 3):
            record = {"Number": f"{n}", "Timestamp": "2026-01-02T03:04:05Z", "Email": f"c{n}@customers.test", "Message": "hello"}
            self.put("rows", f"{n % 5}.json{'l' if kind == 3 else ''}", json.dumps([record]) if kind == 2 else json.dumps(record) + "\n")
            self.expected["rows"].add(f"rows/{n}")
        elif kind == 4:
            self.put("rows", f"bad{n}.json", '[{"Number":')
            self.bad["rows"] += 1
        else:
            self.put("mail", f"bad{n}.eml", "no header at all\n")
            self.bad["mail"] += 1


def story(options, folder):
    check = Checks()
    drop = Dropper(f"{folder}/in", options.seed)
    database = f"{folder}/hongyan.sqlite3"
    with open(f"{folder}/hongyan.yaml", "w") as f:
        f.write(f"""database: sqlite://{database}
data: {folder}/data
share: {options.share}
listen: 127.0.0.1:0
accounts:
  mail: {{kind: spool, path: {folder}/in/mail, every: 200ms}}
  rows: {{kind: spool, path: {folder}/in/rows, every: 200ms, channel: csv-export, config: {{id: Number}}}}
""")
    command = [options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"]

    def left():
        """Files in the directories themselves; bad ones are old enough to be told as bad."""
        waiting = []
        for account in drop.files:
            for name in os.listdir(f"{folder}/in/{account}"):
                path = f"{folder}/in/{account}/{name}"
                if os.path.isfile(path):
                    os.utime(path, (time.time() - 120, time.time() - 120))
                    waiting.append(path)
        return waiting

    def stored(account):
        return [row[0] for row in frame.rows(database, f"SELECT {'subject' if account == 'mail' else 'external_id'} FROM interactions WHERE account = ?", account)]

    daemon = servers.Process(command, f"{folder}/log")
    try:
        chance = random.Random(options.seed + 1)

        def happen():
            for _ in range(chance.randrange(6)):
                drop.drop()

        daemon.batter(options.seconds, options.kills, chance, happen, 0.02)
        try:
            wait_for("empty directories", lambda: not left(), 60, every=0.5)
            wait_for("all messages", lambda: all(len(set(stored(a))) >= len(drop.expected[a]) for a in drop.files), 60, every=0.5)
        except Exception as error:
            print(f"not all came: {error}")
        time.sleep(2)  # for doubles
        print(f"       {sum(drop.files.values())} files, {sum(map(len, drop.expected.values()))} messages, {options.kills} kills")
        for account in drop.files:
            found = stored(account)
            check.equal(f"{account}: {len(drop.expected[account])} messages, missing", sorted(drop.expected[account] - set(found))[:5], [])
            check.equal(f"{account}: stored twice, or never dropped", len(found) - len(drop.expected[account]), 0)
            done = os.listdir(f"{folder}/in/{account}/done")
            failed = os.listdir(f"{folder}/in/{account}/failed")
            bad = [name for name in failed if not name.endswith(".reason.txt")]
            check.equal(f"{account}: bad files", (len(bad), all(f"{name}.reason.txt" in failed for name in bad)), (drop.bad[account], True))
            check.equal(f"{account}: every file is somewhere", len(done) + len(bad), drop.files[account])
        check.equal("nothing is in quarantine", frame.rows(database, "SELECT count(*) FROM spool WHERE state = 'quarantined'"), [(0,)])
        shown = subprocess.run([options.hongyan, "status", "--config", f"{folder}/hongyan.yaml"], capture_output=True, text=True).stdout
        check.true("both accounts work", shown.count(" working ") == 2, shown)
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
    frame.run(parser, "spool", story)
