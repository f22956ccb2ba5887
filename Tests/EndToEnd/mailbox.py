#!/usr/bin/env python3
"""A large mailbox, a restless server and a daemon that is killed again and again: at the end ledger and server agree.

    mailbox.py --hongyan BIN --share DIR [--mails 600] [--kills 5] [--bench DIR] [--seed 3] [--keep]

The mails come from the generator in HONGYAN_BENCH (or --bench, or ../shared/bench beside the project); without it nothing is tested and
the result says skipped. Three quarters are there at first, the others arrive meanwhile. While the daemon reads it is killed with -9 at
random moments; the server is killed too, comes back with other UIDs for the same mails, and another client moves and expunges mails.
"""
import imaplib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for

USER = "box"
FOLDERS = ("INBOX", "Archive")
TOKEN = re.compile(r"HYQ[A-Z]{4}\d{6}")


def generator(option):
    here = os.path.dirname(os.path.abspath(__file__))
    folder = option or os.environ.get("HONGYAN_BENCH") or os.path.join(here, "..", "..", "..", "shared", "bench")
    script = os.path.join(folder, "mail", "gen_mail.py")
    return script if os.path.exists(script) else None


class Server(servers.Dovecot):
    """Dovecot, and what happens to it."""

    @property
    def maildir(self):
        return f"{self.folder}/spool/{USER}/Maildir"

    def fill(self, files):
        for part in ("new", "cur", "tmp"):
            os.makedirs(f"{self.maildir}/{part}", exist_ok=True)
        for path in files:
            os.link(path, f"{self.maildir}/new/{os.path.basename(path)}")
        for path in (f"{self.folder}/spool/{USER}", self.maildir, *(f"{self.maildir}/{part}" for part in ("new", "cur", "tmp"))):
            os.chown(path, self.uid, self.gid)

    def arrive(self, path):
        os.link(path, f"{self.maildir}/new/{os.path.basename(path)}")

    def die(self):
        """As if the power had gone, for the server alone."""
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True)
        self.process.kill()
        for pid in map(int, listed.stdout.split()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def renumber(self):
        """Other UIDs under another UIDVALIDITY for the same mails; call while the server is down."""
        for path in (self.maildir, f"{self.maildir}/.Archive"):
            for name in os.listdir(path) if os.path.isdir(path) else []:
                if name.startswith(("dovecot-uid", "dovecot.index", "dovecot.list")):
                    os.unlink(f"{path}/{name}")

    def client(self):
        client = imaplib.IMAP4("127.0.0.1", self.imap)
        client.login(USER, "pw")
        return client

    def uids(self, folder):
        """-> (UIDVALIDITY, UIDs)"""
        client = self.client()
        try:
            if client.select(f'"{folder}"', readonly=True)[0] != "OK":
                return 0, []
            validity = int(client.response("UIDVALIDITY")[1][0])
            found = client.uid("SEARCH", None, "ALL")[1][0].split()
            return validity, [int(uid) for uid in found]
        finally:
            client.logout()


class World:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.data = f"{folder}/mails"
        subprocess.run([sys.executable, "-B", options.generator, "--n", str(options.mails), "--seed", str(options.seed), "--out", self.data, "--no-mbox", "--no-hard"],
                       check=True, stdout=subprocess.DEVNULL)
        self.expect = json.load(open(f"{self.data}/expect.json"))
        self.truth = [json.loads(line) for line in open(f"{self.data}/truth.jsonl", encoding="utf-8")]
        self.files = [f"{self.data}/maildir/new/{mail['file']}" for mail in self.truth]
        for path in (folder, self.data, f"{self.data}/maildir", f"{self.data}/maildir/new"):
            os.chmod(path, 0o755)
        self.server = Server(f"{folder}/dovecot")
        self.database = f"{folder}/hongyan.sqlite3"
        with open(f"{folder}/hongyan.yaml", "w") as f:
            f.write(f"""
database: sqlite://{self.database}
data: {folder}/data
listen: 127.0.0.1:0
log: {{level: notice}}
accounts:
  support:
    kind: imap
    url: imap://127.0.0.1:{self.server.imap}
    tls: none
    user: {USER}
    password: {{file: {folder}/password}}
    addresses: [support@hongyan.test]
    folders: [INBOX, Archive]
    every: 1s
    start: all
""")
        with open(f"{folder}/password", "w") as f:
            f.write("pw\n")
        self.daemon, self.starts = None, 0
        self.lock = threading.Lock()

    def start(self):
        self.starts += 1
        self.daemon = servers.Process([self.options.hongyan, "serve", "--config", f"{self.folder}/hongyan.yaml"], f"{self.folder}/hongyan.log",
                                      env=dict(os.environ, HONGYAN_SHARE=self.options.share))

    def status(self):
        done = subprocess.run([self.options.hongyan, "status", "--config", f"{self.folder}/hongyan.yaml"], capture_output=True, text=True,
                              env=dict(os.environ, HONGYAN_SHARE=self.options.share), timeout=60)
        return done.stdout + done.stderr

    def rows(self, sql, *arguments, write=False):
        return frame.rows(self.database, sql, *arguments, write=write)

    def one(self, sql, *arguments):
        rows = self.rows(sql, *arguments)
        return rows[0][0] if rows else 0

    def ledger(self, folder, validity):
        prefix = f"{folder}/{validity}/"
        rows = self.rows("SELECT external_id FROM spool WHERE external_id >= ? AND external_id < ?", prefix, prefix + "~")
        return {int(row[0].rsplit("/", 1)[1]) for row in rows}

    def read(self):
        """How much of the story is read, 0 to 1."""
        return self.one("SELECT count(*) FROM interactions WHERE direction = 'inbound'") / self.expect["distinct"]

    def close(self):
        for part in (self.daemon, self.server):
            if part:
                part.stop()


def disturb(world, dice):
    """What happens on the server, each at its share of the way."""
    server = world.server
    moved = expunged = 0

    def at(share):
        wait_for(f"{share:.0%} to be read", lambda: world.read() >= share, world.options.patience, every=0.1)

    at(0.2)
    server.die()
    time.sleep(0.5)
    server.start()
    at(0.4)
    server.process.stop()
    server.renumber()
    server.start()
    at(0.6)
    # Another client moves and expunges; only what the daemon has read may go, for what nobody read is nobody's loss.
    validity, uids = server.uids("INBOX")
    wait_for("the mails to be known by their new numbers", lambda: len(world.ledger("INBOX", validity)) > len(uids) // 2, world.options.patience)
    known = sorted(set(uids) & world.ledger("INBOX", validity))
    chosen = dice.sample(known, len(known) // 10)
    half = len(chosen) // 2
    client = server.client()
    client.select("INBOX")
    client.create("Archive")
    for start in range(0, half, 200):
        part = ",".join(map(str, chosen[start:min(start + 200, half)]))
        client.uid("MOVE", part, "Archive")
        moved += part.count(",") + 1
    for start in range(half, len(chosen), 200):
        part = ",".join(map(str, chosen[start:start + 200]))
        client.uid("STORE", part, "+FLAGS.SILENT", "(\\Deleted)")
        client.uid("EXPUNGE", part)
        expunged += part.count(",") + 1
    client.logout()
    return moved, expunged


def check(world, checks):
    expect = world.expect
    one = world.one
    tokens = {}
    tickets = {}
    thread = {mail["token"]: mail["thread"] for mail in world.truth}
    for subject, body, ticket, nature in world.rows("SELECT subject, body, ticket_id, nature FROM interactions WHERE direction = 'inbound'"):
        own = {token for token in TOKEN.findall(f"{subject}\n{body}") if token in thread}
        for token in own:
            tokens[token] = tokens.get(token, 0) + 1
            if ticket and nature == "human":
                tickets.setdefault(ticket, set()).add(thread[token])
    wanted = {mail["token"] for mail in world.truth if mail["kind"] != "duplicate"}
    checks.equal("messages", one("SELECT count(*) FROM interactions WHERE direction = 'inbound'"), expect["distinct"])
    checks.equal("mails lost", sorted(wanted - set(tokens))[:5], [])
    checks.equal("mails doubled", sorted(token for token, count in tokens.items() if count > 1)[:5], [])
    checks.equal("customers", one("SELECT count(*) FROM customers"), expect["customers"])
    found = one("SELECT count(*) FROM tickets")
    # By headers alone there are more threads than a person sees; by subject some of them are joined.
    checks.equal(f"tickets ({found}) between the true threads and those by headers alone",
                 expect["tickets_truth"] <= found <= expect["tickets_headers_only"], True)
    checks.equal("quarantined", one("SELECT count(*) FROM spool WHERE state = 'quarantined'"), 0)
    checks.equal("stuck", one("SELECT count(*) FROM interactions WHERE state = 'stuck'"), 0)
    for folder in FOLDERS:
        validity, uids = world.server.uids(folder)
        missing = set(uids) - world.ledger(folder, validity)
        checks.equal(f"mails of {folder} on the server ({len(uids)}) that the ledger lacks", sorted(missing)[:5], [])
    blobs = {row[0] for row in world.rows("SELECT DISTINCT hash FROM attachments")}
    gone = [name for name in blobs if not os.path.exists(f"{world.folder}/data/blobs/{name[:2]}/{name}")]
    checks.equal(f"attachments without their file, of {len(blobs)}", gone[:5], [])


def check_counts(world, checks):
    """The daemon's own comparison says the same, and says it to the operator."""
    world.daemon.stop()
    world.rows("UPDATE account_folders SET checked_at = 0", write=True)
    world.start()
    wait_for("a comparison", lambda: world.one("SELECT count(*) FROM account_folders WHERE checked_at > 0") == len(FOLDERS), 120)
    status = world.status().replace("\u202f", " ")
    for folder in FOLDERS:
        count = len(world.server.uids(folder)[1])
        said = re.search(rf"{folder}  server ([\d ]+), we ([\d ]+?)(,|  )", status)
        checks.equal(f"hongyan status about {folder}", [int(n.replace(" ", "")) for n in said.groups()[:2]] if said else status, [count, count])
    code = world.daemon.stop(seconds=12)
    checks.equal("SIGTERM ends it within its time, with code", code, 0)
    checks.equal("the database is sound", world.one("PRAGMA integrity_check"), "ok")


def run(options, folder):
    options.generator = generator(options.bench)
    if not options.generator:
        print("mailbox: there is no generator of mails; set HONGYAN_BENCH")
        return None
    checks, world = Checks(), World(options, folder)
    dice = random.Random(options.seed)
    happened, trouble = [], []

    def tell():
        try:
            happened.append(disturb(world, random.Random(options.seed + 1)))
        except Exception as error:
            trouble.append(f"{type(error).__name__}: {error}")

    def arrive():
        late = world.files[len(world.files) * 3 // 4:]
        for n, path in enumerate(late):
            wait_for("its turn", lambda: world.read() >= 0.6 * n / len(late) or trouble, options.patience, every=0.2)
            world.server.arrive(path)

    try:
        world.server.fill(world.files[:len(world.files) * 3 // 4])
        began = time.monotonic()
        world.start()
        threads = [threading.Thread(target=target, daemon=True) for target in (tell, arrive)]
        for thread in threads:
            thread.start()
        for kill in range(options.kills):
            # Spread over the whole way, a little before and after each step.
            goal = 0.95 * kill / max(1, options.kills)
            end = time.monotonic() + options.patience
            while world.read() < goal and world.daemon.alive() and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(0.1 + 1.2 * dice.random())
            world.daemon.kill()
            world.start()
        for thread in threads:
            thread.join(timeout=options.patience)

        def settled():
            waiting = world.one("SELECT count(*) FROM spool WHERE state IN ('new', 'claimed')")
            unplaced = world.one("SELECT count(*) FROM interactions WHERE state <> 'placed'")
            if waiting or unplaced or world.read() < 1:
                return False
            return all(not (set(uids) - world.ledger(folder, validity)) for folder in FOLDERS for validity, uids in [world.server.uids(folder)])

        try:
            wait_for("everything to be read and placed", settled, options.patience, every=0.5)
        except TimeoutError as error:
            checks.equal(str(error), world.read(), 1)
        checks.equal("what happened on the server went through", trouble, [])
        moved, expunged = happened[0] if happened else (0, 0)
        print(f"       {options.mails} mails, {options.kills} kills, {world.starts} starts, {moved} moved, {expunged} expunged, {time.monotonic() - began:.1f} s")
        checks.equal("the daemon is still running", world.daemon.alive(), True)
        check(world, checks)
        check_counts(world, checks)
    except Exception as error:
        checks.equal(f"the run went through: {type(error).__name__}: {error}", False, True)
    finally:
        world.close()
    if checks.failed:
        print(open(f"{folder}/hongyan.log", errors="replace").read()[-4000:])
    return checks


def main():
    parser = frame.arguments()
    parser.add_argument("--mails", type=int, default=600)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--bench", default="")
    parser.add_argument("--patience", type=float, default=1800, help="seconds without which a step has failed")
    frame.run(parser, "mailbox", run)


main()
