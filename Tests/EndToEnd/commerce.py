#!/usr/bin/env python3
"""Two shops with bad days: every order is stored exactly once with exact amounts, and who buys for the first time is thanked once.

    commerce.py --hongyan BINARY --share FOLDER [--seconds 40] [--kills 6] [--seed 7] [--keep]

A local server plays WooCommerce and Stripe: orders that were there before, new ones, ones that are paid, sent, refunded in parts. It injects 429, 500,
half an answer, a page of HTML and dropped connections, while the daemon is killed with -9. The channel files are the project's own but for their pace.
"""
import base64
import decimal
import email
import email.utils
import glob
import json
import os
import random
import re
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

DIGITS = {"EUR": 2, "CNY": 2, "JPY": 0, "KWD": 3, "ISK": 0}
# Stripe counts krónur in hundredths.
STRIPE_DIGITS = dict(DIGITS, ISK=2)
PAGE = 10


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def text(units, digits):
    return str(decimal.Decimal(units).scaleb(-digits))


class World:
    """What the shops hold. Amounts are whole smallest units."""

    def __init__(self, seed):
        self.lock = threading.Lock()
        self.chance = random.Random(seed)
        self.orders = {"woo": [], "stripe": []}
        self.events = []
        self.faults = 0
        self.is_quiet = True
        self.count = 0

    def place(self, at=None, person=None):
        """Somebody buys."""
        shop = self.chance.choice(["woo", "stripe"])
        self.count += 1
        currency = self.chance.choice(list(DIGITS) if shop == "stripe" else ["EUR", "CNY", "JPY"])
        pieces = self.chance.randrange(1, 4)
        price = self.chance.choice([29, 435, 1999, 100_000_007, 5])
        order = {
            "n": self.count, "shop": shop, "currency": currency, "price": price, "pieces": pieces, "total": price * pieces, "refunded": 0,
            "state": "placed", "at": at or time.time(), "changed": at or time.time(),
            "person": self.chance.randrange(40) if person is None else person}
        if shop == "stripe":
            order["id"] = f"ch_{self.count}"
            order["state"] = "paid"
        else:
            order["id"] = str(9000 + self.count)
        self.orders[shop].append(order)
        if shop == "stripe":
            self.tell(order)
        return order

    def happen(self):
        """Something new somewhere."""
        everything = self.orders["woo"] + self.orders["stripe"]
        if self.chance.random() < 0.5 or not everything:
            self.place()
            return
        order = self.chance.choice(everything)
        if order["state"] == "placed":
            order["state"] = self.chance.choice(["paid", "paid", "paid", "cancelled"])
        elif order["state"] in ("paid", "fulfilled") and order["refunded"] < order["total"]:
            if order["shop"] == "woo" and order["state"] == "paid" and self.chance.random() < 0.5:
                order["state"] = "fulfilled"
            else:
                order["refunded"] += min(order["total"] - order["refunded"], max(1, order["price"] // self.chance.choice([1, 2, 3])))
                if order["refunded"] == order["total"]:
                    order["state"] = "refunded"
        else:
            return
        order["changed"] = time.time()
        if order["shop"] == "stripe":
            self.tell(order)

    def tell(self, order):
        """Stripe's event, with the charge as it is now."""
        self.events.append({"id": f"evt_{len(self.events) + 1}", "type": "charge.updated", "created": int(order["changed"]), "data": {"object": self.charge(order)}})

    def fault(self, handler):
        """True when the request was spoilt."""
        if self.is_quiet or self.chance.random() > 0.2:
            return False
        self.faults += 1
        kind = self.chance.randrange(5)
        if kind == 0:
            handler.give({}, 429, {"Retry-After": "1"})
        elif kind == 1:
            handler.give({"error": "oops"}, 500)
        elif kind == 2:
            handler.raw(b"<html><body>Maintenance</body></html>", 200, "text/html")
        elif kind == 3:
            handler.raw(b'[{"id": 90', 200)
        else:
            handler.close_connection = True
            handler.connection.close()
        return True

    # MARK: the shops

    def person(self, order):
        n = order["person"]
        return {"id": 500 + n, "email": f"Buyer{n}@customers.test", "name": f"Bea {chr(65 + n % 26)}", "phone": f"+4915100{n:05d}"}

    def woo(self, handler, query):
        since = query.get("modified_after", [""])[0]
        found = [o for o in self.orders["woo"] if not since or iso(o["changed"]) > since]
        found.sort(key=lambda o: (-int(o["changed"]), -o["n"]))
        page = int(query.get("page", ["1"])[0])
        headers = {}
        if page * PAGE < len(found):
            more = {key: values[0] for key, values in query.items()} | {"page": str(page + 1)}
            headers["Link"] = f'<{self.base}/wp-json/wc/v3/orders?{urllib.parse.urlencode(more)}>; rel="next"'
        handler.give([self.woo_order(o) for o in found[(page - 1) * PAGE : page * PAGE]], 200, headers)

    def woo_order(self, order):
        who, digits = self.person(order), DIGITS[order["currency"]]
        states = {"placed": "pending", "paid": "processing", "fulfilled": "completed", "cancelled": "cancelled", "refunded": "refunded"}
        parts = []
        if order["refunded"]:
            half = order["refunded"] // 2
            parts = [part for part in (half, order["refunded"] - half) if part]
        return {
            "id": int(order["id"]), "number": order["id"], "status": states[order["state"]], "currency": order["currency"],
            "date_created_gmt": iso(order["at"]), "date_modified_gmt": iso(order["changed"]), "total": text(order["total"], digits),
            "customer_id": who["id"], "billing": {"first_name": who["name"].split()[0], "last_name": who["name"].split()[1], "email": who["email"], "phone": who["phone"]},
            "line_items": [{"id": 1, "name": "茶 Tea", "sku": "T-1", "quantity": order["pieces"], "price": text(order["price"], digits)}],
            "refunds": [{"id": index, "total": "-" + text(part, digits)} for index, part in enumerate(parts)]}

    def charge(self, order):
        who = self.person(order)
        scale = 10 ** (STRIPE_DIGITS[order["currency"]] - DIGITS[order["currency"]])
        return {
            "id": order["id"], "object": "charge", "amount": order["total"] * scale, "amount_refunded": order["refunded"] * scale, "currency": order["currency"].lower(),
            "created": int(order["at"]), "status": "succeeded", "customer": None, "payment_intent": None, "metadata": {}, "receipt_email": who["email"],
            "billing_details": {"name": who["name"], "email": who["email"], "phone": None}}

    def stripe(self, handler, query, items):
        """Newest first."""
        since = int(query.get("created[gte]", ["0"])[0])
        found = sorted((item for item in items if item["created"] >= since), key=lambda item: (-item["created"], -int(item["id"].split("_")[1])))
        after = query.get("starting_after", [""])[0]
        if after:
            found = found[[item["id"] for item in found].index(after) + 1 :]
        handler.give({"object": "list", "data": found[:PAGE], "has_more": len(found) > PAGE})


def serve(world):
    class Handler(servers.JSONHandler):
        def do_GET(self):
            url = urllib.parse.urlparse(self.path)
            query, token = urllib.parse.parse_qs(url.query), self.headers.get("Authorization", "")
            with world.lock:
                if world.fault(self):
                    return None
                if url.path == "/wp-json/wc/v3/orders":
                    if token != "Basic " + base64.b64encode(b"ck_1:cs_secret").decode():
                        return self.give({"code": "woocommerce_rest_cannot_view"}, 401)
                    return world.woo(self, query)
                if url.path == "/wp-json/wc/v3/customers":
                    return self.give([])
                if token != "Bearer cs_secret":
                    return self.give({"error": {}}, 401)
                if url.path == "/v1/charges":
                    return world.stripe(self, query, [world.charge(o) for o in world.orders["stripe"]])
                if url.path == "/v1/events":
                    return world.stripe(self, query, world.events)
                return self.give({"data": [], "has_more": False})

    return servers.StandIn(Handler)


def share(options, folder):
    """The project's own files, but for the pace of two channels and of the mail of thanks."""
    target = f"{folder}/share"
    os.makedirs(f"{target}/channels")
    os.makedirs(f"{target}/templates/journeys/first-order")
    for name in ("static", "models", "demo"):
        if os.path.exists(f"{options.share}/{name}"):
            os.symlink(f"{options.share}/{name}", f"{target}/{name}")
    for name in os.listdir(f"{options.share}/templates"):
        if name != "journeys":
            os.symlink(f"{options.share}/templates/{name}", f"{target}/templates/{name}")
    for name in os.listdir(f"{options.share}/templates/journeys/first-order"):
        with open(f"{options.share}/templates/journeys/first-order/{name}", encoding="utf-8") as f:
            changed = f.read().replace("after: 1h", "after: 0")
        with open(f"{target}/templates/journeys/first-order/{name}", "w", encoding="utf-8") as f:
            f.write(changed)
    for name in ("woocommerce", "stripe"):
        with open(f"{options.share}/channels/{name}.yaml", encoding="utf-8") as f:
            changed = re.sub(r"every: \d+[smh]", "every: 1s", f.read())
        with open(f"{target}/channels/{name}.yaml", "w", encoding="utf-8") as f:
            f.write(re.sub(r"rate: \{[^}]*\}", "rate: {requests: 50, per: 1s}", changed))
    return target


def story(options, folder):
    check = Checks()
    world = World(options.seed)
    long_ago = time.time() - 86400 * 40
    for n in range(60):
        order = world.place(long_ago + n * 3600, person=n % 15)  # these people bought before
        order["state"] = "paid"
    server = serve(world)
    base = world.base = server.base
    database = f"{folder}/hongyan.sqlite3"
    with open(f"{folder}/hongyan.yaml", "w") as f:
        f.write(f"""database: sqlite://{database}
data: {folder}/data
share: {share(options, folder)}
listen: 127.0.0.1:0
accounts:
  woo: {{kind: channel, channel: woocommerce, start: all, every: 500ms, plain: true, config: {{base: "{base}", key: ck_1, secret: {{env: TOKEN}}}}}}
  stripe: {{kind: channel, channel: stripe, start: all, every: 500ms, plain: true, config: {{base: "{base}", key: {{env: TOKEN}}}}}}
senders:
  care: {{kind: folder, path: {folder}/outbox, from: Care <care@shop.test>}}
journeys: [first-order]
public_url: http://127.0.0.1:8025
""")
    environment = dict(os.environ, TOKEN="cs_secret")
    command = [options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"]

    def stored():
        sql = "SELECT account, external_id, total, refunded, currency, status FROM orders"
        return {(account, external): rest for account, external, *rest in frame.rows(database, sql)}

    def expected():
        return {(o["shop"], o["id"]): [o["total"], o["refunded"], o["currency"], o["state"]] for name in world.orders for o in world.orders[name]}

    daemon = servers.Process(command, f"{folder}/log", env=environment)
    try:
        wait_for("the history", lambda: len(stored()) >= 60, 60, every=0.2)
        with world.lock:
            world.is_quiet = False
        chance = random.Random(options.seed + 1)

        def happen():
            with world.lock:
                for _ in range(chance.randrange(4)):
                    world.happen()

        daemon.batter(options.seconds, options.kills, chance, happen, 0.1)
        with world.lock:
            world.is_quiet = True
            wanted = expected()
        try:
            wait_for("all orders", lambda: stored() == wanted, 60, every=0.5)
        except Exception as error:
            found = stored()
            print(f"not all came: {error}: {[(key, found.get(key), wanted[key]) for key in wanted if found.get(key) != wanted[key]][:5]}")
        time.sleep(4)  # for doubles and mails
        found = stored()
        print(f"       {len(wanted)} orders, {world.faults} faults, {options.kills} kills")
        check.equal("orders missing", sorted(set(wanted) - set(found)), [])
        check.equal("orders never made", sorted(set(found) - set(wanted)), [])
        wrong = {key: (found[key], wanted[key]) for key in wanted if key in found and found[key] != wanted[key]}
        check.equal("amounts, currencies and states of all", wrong, {})
        rows = frame.rows(database, "SELECT account, external_id, count(*) FROM orders GROUP BY 1, 2 HAVING count(*) > 1")
        check.equal("an order seen often is stored once", rows, [])
        lines = frame.rows(database, "SELECT o.external_id, l.quantity_milli, l.price FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.account = 'woo' ORDER BY 1")
        made = sorted((o["id"], o["pieces"] * 1000, o["price"]) for o in world.orders["woo"])
        check.equal("lines", sorted(lines) == made, True)
        events(check, database, world)
        people(check, database, folder, world)
        mails = len(glob.glob(f"{folder}/outbox/**/*.eml", recursive=True))
        tables(check, options, folder, environment)
        time.sleep(3)
        check.equal("nobody is mailed for what was brought in", len(glob.glob(f"{folder}/outbox/**/*.eml", recursive=True)), mails)
        errors = frame.rows(database, "SELECT external_id, error FROM spool WHERE state = 'quarantined'")
        check.equal("nothing is set aside", errors, [])
        shown = subprocess.run([options.hongyan, "status", "--config", f"{folder}/hongyan.yaml"], capture_output=True, text=True, env=environment).stdout
        check.true("both accounts work", all(re.search(rf"^{name} +working", shown, re.M) for name in ("woo", "stripe")), shown)
        check.true("no secret stands in the log", "cs_secret" not in open(f"{folder}/log", errors="replace").read())
        check.equal("the daemon ends when told to", daemon.stop(), 0)
    finally:
        if daemon.alive():
            daemon.stop()
        server.shutdown()
    return check


def events(check, database, world):
    """Each thing that happened is told once."""
    counts = {}
    for kind, data in frame.rows(database, "SELECT kind, data FROM events WHERE kind LIKE 'order.%'"):
        data = json.loads(data)
        counts.setdefault((data["account"], data["external_id"]), []).append((kind, data))
    everything = [o for name in world.orders for o in world.orders[name]]
    for kind in ("order.placed", "order.paid", "order.cancelled"):
        wanted = {
            "order.placed": {(o["shop"], o["id"]): 1 for o in everything},
            "order.paid": {(o["shop"], o["id"]): 1 for o in everything if o["state"] not in ("placed", "cancelled")},
            "order.cancelled": {(o["shop"], o["id"]): 1 for o in everything if o["state"] == "cancelled"}}[kind]
        found = {key: sum(k == kind for k, _ in told) for key, told in counts.items() if any(k == kind for k, _ in told)}
        check.equal(f"{kind} once for each of {len(wanted)}", {key: n for key, n in found.items() if wanted.get(key) != n} | {key: 0 for key in wanted if key not in found}, {})
    given = {}
    for key, told in counts.items():
        given[key] = sum(decimal.Decimal(data["amount"]) for kind, data in told if kind == "order.refunded")
    wanted = {(o["shop"], o["id"]): decimal.Decimal(text(o["refunded"], DIGITS[o["currency"]])) for o in everything}
    check.equal("what the events say was given back is what was given back", {key: (given[key], wanted[key]) for key in wanted if given.get(key) != wanted[key]}, {})


def tables(check, options, folder, environment):
    """A table is brought in beside the running daemon: bad rows aside, twice the same as once, and nobody is mailed."""
    config = ["--config", f"{folder}/hongyan.yaml"]
    rows = ["订单号,下单时间,金额,邮箱,商品名称"]
    rows += [f"T{n},2026/10/{n % 28 + 1:02d} 10:00,{'?' if n % 50 == 0 else f'{n}.05'},table{n % 20}@customers.test,茶" for n in range(1, 501)]
    with open(f"{folder}/table.csv", "w", encoding="utf-8") as f:
        f.write("\n".join(rows) + "\n")

    def run(*more):
        return subprocess.run([options.hongyan, "import", "orders", f"{folder}/table.csv", "--account", "till", *more, *config], capture_output=True, text=True, env=environment, cwd=folder)

    refused = run()
    check.true("an import without a currency does not begin, and says how", refused.returncode == 1 and "--currency" in refused.stderr, refused.stderr)
    dry = run("--currency", "CNY", "--dry-run")
    check.true("a rehearsal shows the columns and stores nothing", "external_id" in dry.stderr and "订单号" in dry.stderr and "490 orders read from 500 records; 10 could not be read" in dry.stdout, dry.stdout + dry.stderr)
    first = run("--currency", "CNY")
    check.true("good rows are taken", "490 new, 0 known" in first.stdout and "10 could not be read, they are in table.rejected.csv" in first.stdout, first.stdout + first.stderr)
    bad = open(f"{folder}/table.rejected.csv", encoding="utf-8").read().splitlines()
    check.true("bad rows stand in a file with line and reason", len(bad) == 11 and ",51," in bad[1] and "is not an amount" in bad[1], bad[:2])
    again = run("--currency", "CNY")
    check.true("doing it again stores nothing", "0 new, 490 known" in again.stdout, again.stdout)
    wait_for("the table", lambda: frame.rows(f"{folder}/hongyan.sqlite3", "SELECT count(*) FROM orders WHERE account = 'till'")[0][0] == 490, 60, every=0.3)
    found = frame.rows(f"{folder}/hongyan.sqlite3", "SELECT total FROM orders WHERE account = 'till' AND external_id = 'T7'")
    check.equal("an amount of the table", found, [(705,)])
    killed_import(check, options, folder, environment, config)


def killed_import(check, options, folder, environment, config):
    """An import that is killed with -9 goes on where it stopped."""
    with open(f"{folder}/long.csv", "w", encoding="utf-8") as f:
        f.write("order id,created at,total,currency,product,quantity\n")
        for n in range(1, 4001):
            f.write(f"L{n},2026-10-01T10:00:00Z,{'x' if n % 100 == 0 else f'{n}.50'},EUR,Tea,1\n")
            if n % 2:
                f.write(f"L{n},,,,Cup,2\n")
    command = [options.hongyan, "import", "orders", f"{folder}/long.csv", "--account", "long", *config]
    first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=folder)
    place = lambda: frame.rows(f"{folder}/hongyan.sqlite3", "SELECT value FROM account_cursors WHERE account = 'long'")
    wait_for("a part of it", lambda: place() and int(place()[0][0].split()[0]) >= 500, 60, every=0.02)
    first.kill()
    first.wait()
    second = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    check.true("it goes on behind what is stored", "records of an interrupted import" in second.stdout and ", 0 known already" in second.stdout, second.stdout + second.stderr)
    bad = open(f"{folder}/long.rejected.csv", encoding="utf-8").read().splitlines()
    check.equal("each bad row is set aside once", (len(bad), len(set(bad))), (41, 41))
    wait_for("the long table", lambda: frame.rows(f"{folder}/hongyan.sqlite3", "SELECT count(*) FROM orders WHERE account = 'long'")[0][0] >= 3960, 120, every=0.3)
    sql = "SELECT count(*), sum(total), (SELECT count(*) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE o.account = 'long') FROM orders WHERE account = 'long'"
    wanted = [n for n in range(1, 4001) if n % 100]
    check.equal("orders, their sum, and their lines", frame.rows(f"{folder}/hongyan.sqlite3", sql), [(3960, sum(n * 100 + 50 for n in wanted), 3960 + 2000)])


def people(check, database, folder, world):
    """One customer for each person, and one mail for who bought for the first time."""
    everything = [o for name in world.orders for o in world.orders[name]]
    buyers = {f"buyer{o['person']}@customers.test" for o in everything}
    owners = frame.rows(database, "SELECT value, customer_id FROM identities WHERE kind = 'email'")
    check.equal("people", {value for value, _ in owners}, buyers)
    check.equal("customers", len({owner for _, owner in owners}), len(buyers))
    whose = dict(owners)
    wrong = [
        (o["shop"], o["id"]) for o in everything
        if frame.rows(database, "SELECT customer_id FROM orders WHERE account = ? AND external_id = ?", o["shop"], o["id"])[0][0] != whose[f"buyer{o['person']}@customers.test"]]
    check.equal("orders of somebody else", wrong, [])
    before = set(range(15))
    new = {o["person"] for o in everything if o["state"] not in ("placed", "cancelled")} - before
    wanted = sorted(f"buyer{n}@customers.test" for n in new)
    try:
        wait_for("the mails", lambda: len(glob.glob(f"{folder}/outbox/**/*.eml", recursive=True)) >= len(wanted), 120, every=0.5)
    except Exception as error:
        print(f"not all mails came: {error}")
    mails = [email.message_from_file(open(path)) for path in glob.glob(f"{folder}/outbox/**/*.eml", recursive=True)]
    check.equal(f"{len(wanted)} are thanked for their first order, once each", sorted(email.utils.parseaddr(mail["To"])[1].lower() for mail in mails), wanted)


if __name__ == "__main__":
    parser = frame.arguments()
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=7)
    frame.run(parser, "commerce", story)
