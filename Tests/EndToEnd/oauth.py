#!/usr/bin/env python3
"""Mailboxes that want OAuth 2: all four ways to a token, renewal before the end, a permission that is withdrawn and given again.

    oauth.py --hongyan BINARY --share FOLDER [--keep]

An authorisation server of our own (each refresh token works once, codes are bound to their proof key, assertions are checked with openssl), Dovecot
that asks it whose a token is, for IMAP and for submission, OpenSMTPD behind, the real daemon. Nobody's clock is turned: tokens live some seconds.
"""
import base64
import hashlib
import http.server
import json
import os
import secrets
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frame
import servers
from frame import Checks
from servers import wait_for

LIFE = 6  # seconds an access token lives
OPS = "ops@hongyan.test"
MAILBOXES = {"phone": "phone@hongyan.test", "browser": "browser@hongyan.test", "key": "key@hongyan.test", "program": "program@hongyan.test"}
CHECKS = Checks()
check = CHECKS.true


class Authority:
    """RFC 6749, 7523, 7636, 8628 as far as a mail program needs them, and as strict as the big ones."""

    def __init__(self, folder):
        self.lock = threading.Lock()
        self.access, self.refresh, self.spent, self.codes, self.devices = {}, {}, set(), {}, {}
        self.faults, self.grants, self.hooks = [], [], []
        self.born = time.time()
        self.closed = set()  # mailboxes whose permission was withdrawn
        self.busy = 0  # answers 503 so often
        self.public = f"{folder}/public.pem"
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                url = urllib.parse.urlparse(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                with authority.lock:
                    authority.get(self, url.path, query)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                with authority.lock:
                    authority.post(self, urllib.parse.urlparse(self.path).path, body)

            def json(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def get(self, handler, path, query):
        if path == "/tokeninfo":
            mailbox, end = self.access.get(query.get("access_token"), (None, 0))
            if mailbox and end > time.time():
                return handler.json(200, {"email": mailbox, "expires_in": int(end - time.time())})
            return handler.json(401, {"error": "invalid_token"})
        if path == "/authorize":
            if query.get("code_challenge_method") != "S256" or not query.get("state"):
                self.faults.append("authorize without proof key or state")
            code = secrets.token_urlsafe(16)
            self.codes[code] = (query["code_challenge"], query["redirect_uri"])
            handler.send_response(302)
            handler.send_header("Location", query["redirect_uri"] + "?" + urllib.parse.urlencode({"code": code, "state": query["state"]}))
            handler.send_header("Content-Length", "0")
            return handler.end_headers()
        handler.json(404, {})

    def post(self, handler, path, body):
        if path == "/hook":
            self.hooks.append(json.loads(body))
            return handler.json(200, {})
        form = dict(urllib.parse.parse_qsl(body))
        if path == "/device":
            device, user = secrets.token_urlsafe(16), secrets.token_hex(4).upper()
            self.devices[device] = [user, False]
            return handler.json(200, {"device_code": device, "user_code": user, "verification_uri": f"{self.url}/activate", "expires_in": "300", "interval": 1})
        if path != "/token":
            return handler.json(404, {})
        if self.busy:
            self.busy -= 1
            return handler.json(503, {"error": "temporarily_unavailable"})
        kind, mailbox, error = form.get("grant_type", ""), None, None
        if kind.endswith("device_code"):
            user, agreed = self.devices.get(form.get("device_code"), (None, False))
            mailbox, error = (MAILBOXES["phone"], None) if agreed else (None, "authorization_pending" if user else "expired_token")
        elif kind == "authorization_code":
            challenge, redirect = self.codes.pop(form.get("code"), (None, None))
            proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
            if challenge == proof and redirect == form.get("redirect_uri") and form.get("client_secret") == "desktop":
                mailbox = MAILBOXES["browser"]
        elif kind == "refresh_token":
            token = form.get("refresh_token")
            if token in self.spent:
                self.faults.append("a refresh token was used twice")
            mailbox = self.refresh.pop(token, None)
            self.spent.add(token)
        elif kind.endswith("jwt-bearer"):
            mailbox = self.assertion(form.get("assertion", ""))
        elif kind == "client_credentials" and form.get("client_secret") == "machine":
            mailbox = MAILBOXES["program"]
        if mailbox in self.closed:
            mailbox, error = None, "invalid_grant"
        if not mailbox:
            return handler.json(400, {"error": error or "invalid_grant", "error_description": "no such permission"})
        access = secrets.token_urlsafe(24)
        self.access[access] = (mailbox, time.time() + LIFE)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": LIFE}
        if kind.endswith("device_code") or kind in ("authorization_code", "refresh_token"):
            answer["refresh_token"] = secrets.token_urlsafe(24)
            self.refresh[answer["refresh_token"]] = mailbox
            # The phone's permission lives three days from each renewal; the browser's ends once and for all.
            answer["refresh_token_expires_in"] = 3 * 86400 if mailbox == MAILBOXES["phone"] else max(1, int(self.born + 90 - time.time()))
        self.grants.append((mailbox, kind))
        handler.json(200, answer)

    def assertion(self, token):
        parts = token.split(".")
        if len(parts) != 3:
            return None
        raw = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts]
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/signature", "wb") as f:
                f.write(raw[2])
            good = subprocess.run(
                ["openssl", "dgst", "-sha256", "-verify", self.public, "-signature", f"{folder}/signature"],
                input=f"{parts[0]}.{parts[1]}".encode(), capture_output=True, check=False).returncode == 0
        header, claims = json.loads(raw[0]), json.loads(raw[1])
        fits = header == {"alg": "RS256", "kid": "k1", "typ": "JWT"} and claims["aud"] == f"{self.url}/token" and claims["iss"] == "robot@project.test"
        if not good or not fits or not claims["iat"] - 60 <= time.time() <= claims["exp"]:
            self.faults.append(f"a bad assertion: signature {good}, {header}, {claims}")
            return None
        return claims["sub"]

    def agree(self, user):
        with self.lock:
            for device in self.devices.values():
                if device[0] == user:
                    device[1] = True

    def count(self, mailbox, kind=""):
        with self.lock:
            return sum(1 for m, k in self.grants if m == mailbox and k.endswith(kind))


class World:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        subprocess.run(["openssl", "genrsa", "-out", f"{folder}/key.pem", "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", f"{folder}/key.pem", "-pubout", "-out", f"{folder}/public.pem"], check=True, capture_output=True)
        self.authority = Authority(folder)
        relay = servers.free_port()
        self.dovecot = servers.Dovecot(f"{folder}/dovecot", oauth=f"{self.authority.url}/tokeninfo?access_token=", relay=relay)
        self.smtp = servers.OpenSMTPD(f"{folder}/smtpd", self.dovecot.lmtp, port=relay)
        for name, text in (("desktop", "desktop"), ("machine", "machine")):
            with open(f"{folder}/{name}", "w") as f:
                f.write(text)
        places = f"client_id: client, token_url: {self.authority.url}/token"
        ways = {
            "phone": f"{{flow: device, {places}, device_url: {self.authority.url}/device, scopes: [mail]}}",
            "browser": f"{{flow: loopback, {places}, authorization_url: {self.authority.url}/authorize, client_secret: {{file: {folder}/desktop}}, scopes: [mail]}}",
            "key": f"{{flow: service_account, client_id: robot@project.test, token_url: {self.authority.url}/token, key: {{file: {folder}/key.pem}}, key_id: k1, scopes: [mail]}}",
            "program": f"{{flow: client_credentials, {places}, client_secret: {{file: {folder}/machine}}, scopes: [mail]}}",
        }
        with open(f"{folder}/hongyan.yaml", "w") as f:
            f.write(f"database: sqlite://{folder}/hongyan.sqlite3\ndata: {folder}/data\nlisten: 127.0.0.1:0\naccounts:\n")
            for name, way in ways.items():
                f.write(f"  {name}: {{kind: imap, url: 'imap://127.0.0.1:{self.dovecot.imap}', plain: true, user: {MAILBOXES[name]}, every: 1s, start: all, oauth: {way}}}\n")
            f.write(f"""senders:
  relay: {{kind: smtp, url: 'smtp://127.0.0.1:{relay}', plain: true, from: Hongyan <hongyan@hongyan.test>}}
  shared: {{kind: smtp, url: 'smtp://127.0.0.1:{self.dovecot.submission}', plain: true, user: {MAILBOXES["program"]}, from: Care <{MAILBOXES["program"]}>, oauth: program}}
alerts: {{mail: {OPS}, sender: relay, webhook: '{self.authority.url}/hook'}}
""")
        os.makedirs(f"{folder}/data", exist_ok=True)
        self.daemon = None

    def environment(self):
        return dict(os.environ, HONGYAN_SHARE=self.options.share)

    def start(self):
        self.daemon = servers.Process([self.options.hongyan, "serve", "--config", f"{self.folder}/hongyan.yaml"], f"{self.folder}/hongyan.log", env=self.environment())

    def run(self, *arguments):
        return subprocess.run([self.options.hongyan, *arguments, "--config", f"{self.folder}/hongyan.yaml"], capture_output=True, text=True, env=self.environment(), timeout=60, check=False)

    def authorize(self, account, act):
        """Runs `hongyan auth` and lets `act` read each line it says, until it ends."""
        child = subprocess.Popen([self.options.hongyan, "auth", account, "--config", f"{self.folder}/hongyan.yaml"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=self.environment())
        said = []
        for line in child.stderr:
            said.append(line)
            act(line)
        return child.wait(30), "".join(said)

    def agree(self, line):
        if "type the code" in line:
            threading.Timer(1.5, self.authority.agree, [line.split()[-1]]).start()

    @staticmethod
    def browse(line):
        if line.startswith("http"):
            threading.Thread(target=lambda: urllib.request.urlopen(line.strip(), timeout=20).read(), daemon=True).start()

    def rows(self, sql, *arguments):
        return frame.rows(f"{self.folder}/hongyan.sqlite3", sql, *arguments)

    def state(self, account):
        rows = self.rows("SELECT state, last_error FROM account_health WHERE account = ?", account)
        return rows[0] if rows else (None, None)

    def post(self, mailbox, subject):
        message = f"From: Li <li@customer.test>\r\nTo: {mailbox}\r\nSubject: {subject}\r\nMessage-ID: <{secrets.token_hex(8)}@customer.test>\r\n\r\nHello, {subject}.\r\n"
        with smtplib.LMTP("127.0.0.1", self.dovecot.lmtp) as lmtp:
            lmtp.sendmail("li@customer.test", [mailbox], message)

    def stored(self, subject):
        return len(self.rows("SELECT 1 FROM interactions WHERE subject = ? AND direction = 'inbound'", subject))

    def close(self):
        for part in (self.daemon, self.smtp, self.dovecot):
            if part:
                part.stop()
        self.authority.server.shutdown()


def story(world):
    authority = world.authority
    code, said = world.run("auth", "nobody").returncode, world.run("auth", "nobody").stderr
    check("an unknown account is named", code == 1 and "these have: browser, key, phone, program" in said, said)
    code, said = world.authorize("phone", world.agree)
    check("a person agrees with a code on another device", code == 0 and "phone may log in" in said, said)
    code, said = world.authorize("browser", world.browse)
    check("a browser comes back to the loopback address", code == 0 and "browser may log in" in said, said)
    secret = [token for token in authority.access] + [token for token in authority.refresh]
    raw = b"".join(open(f"{world.folder}/{name}", "rb").read() for name in os.listdir(world.folder) if name.startswith("hongyan.sqlite3"))
    check("no token stands in the database in the clear", secret and not any(token.encode() in raw for token in secret))
    check("the key is for its owner alone", os.stat(f"{world.folder}/data/token.key").st_mode & 0o777 == 0o600)

    world.start()
    for name, mailbox in MAILBOXES.items():
        world.post(mailbox, f"first {name}")
    for name in MAILBOXES:
        wait_for(f"the first mail of {name}", lambda name=name: world.stored(f"first {name}") == 1, 40)
        check(f"{name}: a mail came in by token", True)
    before = {mailbox: authority.count(mailbox) for mailbox in MAILBOXES.values()}
    time.sleep(3 * LIFE)
    world.dovecot.drop_readers()  # every connection has to log in anew
    authority.busy = 2  # and the authority has a bad moment
    for name, mailbox in MAILBOXES.items():
        world.post(mailbox, f"second {name}")
    for name in MAILBOXES:
        wait_for(f"the second mail of {name}", lambda name=name: world.stored(f"second {name}") == 1, 60)
        check(f"{name}: goes on with a new token", authority.count(MAILBOXES[name]) > before[MAILBOXES[name]])

    ticket = wait_for("a ticket", lambda: world.rows("SELECT t.number FROM tickets t JOIN interactions i ON i.ticket_id = t.id WHERE i.subject = 'first program'"))[0][0]
    done = subprocess.run([world.options.hongyan, "reply", str(ticket), "--text", "We are on it.", "--config", f"{world.folder}/hongyan.yaml"], capture_output=True, text=True, env=world.environment(), check=False)
    check("an answer is taken", done.returncode == 0, done.stderr)
    return_check(world)

    world.daemon.kill()
    world.start()
    world.post(MAILBOXES["phone"], "third phone")
    wait_for("mail after kill -9", lambda: world.stored("third phone") == 1, 40)
    check("after kill -9 nobody has to agree again", authority.count(MAILBOXES["phone"], "device_code") == 1)
    check("no refresh token was used twice, every assertion was good", not authority.faults, authority.faults)

    authority.closed.add(MAILBOXES["phone"])
    authority.access = {token: value for token, value in authority.access.items() if value[0] != MAILBOXES["phone"]}
    world.dovecot.drop_readers()
    wait_for("the stop", lambda: world.state("phone")[0] == "stopped", 60)
    error = world.state("phone")[1]
    check("a withdrawn permission stops the account and says what to do", "invalid_grant" in error and error.endswith("Run: hongyan auth phone"), error)
    check("status says so", "phone  no permission: " in world.run("status").stdout)
    wait_for("the alert by mail", lambda: any(b"phone: stopped" in raw for raw in world.dovecot.mails(OPS)), 120)
    check("the operator is told by mail through another account", sum(b"phone: stopped" in raw for raw in world.dovecot.mails(OPS)) == 1)
    check("and by webhook", [hook["state"] for hook in authority.hooks if hook["account"] == "phone"][-1:] == ["stopped"], authority.hooks)
    wait_for("the warning", lambda: any(hook["state"] == "expiring" for hook in authority.hooks), 90)
    warned = [hook for hook in authority.hooks if hook["state"] == "expiring"]
    check("a permission that will end is announced before, once; one that renews itself is not", [hook["account"] for hook in warned] == ["browser"], authority.hooks)
    world.post(MAILBOXES["browser"], "third browser")
    wait_for("another account's mail", lambda: world.stored("third browser") == 1, 30)
    check("the other accounts go on", True)

    authority.closed.clear()
    world.post(MAILBOXES["phone"], "fourth phone")
    code, said = world.authorize("phone", world.agree)
    check("the person agrees again beside the running daemon", code == 0, said)
    wait_for("the mail that waited", lambda: world.stored("fourth phone") == 1, 40)
    check("the account goes on by itself, nothing was lost", world.stored("third phone") == 1 and world.stored("fourth phone") == 1)
    wait_for("the good news", lambda: any(b"phone: works again" in raw for raw in world.dovecot.mails(OPS)), 120)
    check("the operator is told that it works again", True)
    check("still no refresh token was used twice", not authority.faults, authority.faults)


def return_check(world):
    """The answer went out through Dovecot's submission service, which wants a token too."""
    def answered():
        return [raw for raw in world.dovecot.mails("li@customer.test") if b"We are on it." in raw]
    try:
        wait_for("the answer", answered, 40)
    except TimeoutError:
        pass
    row = world.rows("SELECT state, sender, response FROM sends WHERE kind = 'reply'")
    check("the answer went out", len(answered()) == 1, row)


def run(options, folder):
    world = World(options, folder)
    try:
        story(world)
    except TimeoutError as error:
        check(str(error), False, open(f"{folder}/hongyan.log", errors="replace").read())
    finally:
        world.close()
    return CHECKS


if __name__ == "__main__":
    frame.run(frame.arguments(), "oauth", run)
