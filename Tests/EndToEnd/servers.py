"""Real servers for the tests, each private to one run: on loopback, in its own folder, ended by its own pid."""
import http.server
import json
import os
import pwd
import shutil
import signal
import smtplib
import socket
import socketserver
import subprocess
import sys
import threading
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=30, every=0.05):
    """Waits until condition() is true and returns its value; fails loudly, with what it waited for."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(every)


def answers(port):
    def connect():
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return True
        except OSError:
            return False
    return connect


def descendants(pid):
    """The processes it started, and theirs."""
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return found
    for task in tasks:
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            for child in f.read().split():
                found += [int(child), *descendants(int(child))]
    return found


class Process:
    def __init__(self, command, log, env=None, cwd=None):
        self.how = {"args": command, "env": env, "cwd": cwd}
        self.log = open(log, "ab")
        self.start()

    def start(self):
        self.child = subprocess.Popen(stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, **self.how)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def kill(self):
        self.child.kill()
        self.child.wait()

    def batter(self, seconds, kills, chance, step=lambda: None, every=0.02):
        """For so long step() is called every moment; at so many random moments the process is killed (-9) and started again."""
        begin = time.time()
        moments = sorted(begin + 0.5 + chance.random() * max(0, seconds - 1) for _ in range(kills))
        while time.time() < begin + seconds:
            step()
            time.sleep(every)
            if moments and time.time() > moments[0]:
                moments.pop(0)
                self.kill()
                self.start()

    def stop(self, seconds=15):
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self.log.close()
        return self.child.returncode


class Dovecot:
    """IMAP and LMTP; any user, password `pw`; one Maildir a user. With `oauth`, the address that tells whose an access token is, also by
    token; with `relay`, a submission service that hands mail on to that port; with `pop3`, the same mailboxes over POP3."""

    def __init__(self, folder, tls=None, oauth=None, relay=None, pop3=False):
        self.folder, self.imap, self.lmtp = folder, free_port(), free_port()
        mail = pwd.getpwnam("mail")
        self.uid, self.gid = mail.pw_uid, mail.pw_gid
        os.makedirs(f"{folder}/run", exist_ok=True)
        os.makedirs(f"{folder}/spool", exist_ok=True)
        for part in (folder, f"{folder}/spool"):
            os.chmod(part, 0o755)
        os.chown(f"{folder}/spool", self.uid, self.gid)
        self.submission = free_port() if relay else None
        self.pop3 = free_port() if pop3 else None
        more = ""
        if oauth:
            with open(f"{folder}/oauth2.conf", "w") as f:
                f.write(f"tokeninfo_url = {oauth}\nusername_attribute = email\n")
            more += f"""
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
auth_failure_delay = 0
"""
        # One account's refused logins would make every other wait before its token is even looked at, and tokens here live for seconds.
        more += """
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""
        if relay:
            more += f"""
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
hostname = submission.hongyan.test
service submission-login {{
  inet_listener submission {{
    port = {self.submission}
  }}
  inet_listener submissions {{
    port = 0
  }}
}}
"""
        if pop3:
            more += f"""
service pop3-login {{
  inet_listener pop3 {{
    port = {self.pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""
        with open(f"{folder}/dovecot.conf", "w") as f:
            f.write(f"""
protocols = imap lmtp{" submission" if relay else ""}{" pop3" if pop3 else ""}
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login{" xoauth2 oauthbearer" if oauth else ""}
auth_username_format = %Lu
mail_location = maildir:{folder}/spool/%u/Maildir
first_valid_uid = 1
mail_max_userip_connections = 64
lda_mailbox_autocreate = yes
postmaster_address = postmaster@hongyan.test
{more}
passdb {{
  driver = static
  args = password=pw
  mechanisms = plain login
}}
userdb {{
  driver = static
  args = uid={self.uid} gid={self.gid} home={folder}/spool/%u allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {self.lmtp}
  }}
}}
service stats {{
  process_min_avail = 0
}}
""")
        self.start()

    def start(self):
        self.process = Process(["dovecot", "-F", "-c", f"{self.folder}/dovecot.conf"], f"{self.folder}/stdout.log")
        wait_for("Dovecot", lambda: answers(self.imap)() and answers(self.lmtp)())

    def stop(self):
        self.process.stop()

    def drop_readers(self):
        """Cuts every IMAP connection; who wants to read has to log in again."""
        for pid in descendants(self.process.pid):
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                    if f.read().startswith("imap"):
                        os.kill(pid, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                pass

    def mails(self, user):
        """The raw mails in a user's INBOX, oldest first."""
        found = []
        for part in ("new", "cur"):
            path = f"{self.folder}/spool/{user}/Maildir/{part}"
            if os.path.isdir(path):
                found += [f"{path}/{name}" for name in os.listdir(path)]
        return [open(path, "rb").read() for path in sorted(found, key=os.path.getmtime)]

    def users(self):
        return sorted(os.listdir(f"{self.folder}/spool"))


class OpenSMTPD:
    """Takes mail for everybody on loopback and gives it to Dovecot by LMTP."""

    def __init__(self, folder, lmtp_port, port=None):
        self.port = port or free_port()
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/smtpd.conf", "w") as f:
            f.write(f"""
listen on 127.0.0.1 port {self.port}
smtp max-message-size "80M"
queue ttl 1h
action "dovecot" relay host lmtp://127.0.0.1:{lmtp_port}
match from any for any action "dovecot"
""")
        self.process = Process(["smtpd", "-d", "-f", f"{folder}/smtpd.conf"], f"{folder}/smtpd.log")
        wait_for("OpenSMTPD", lambda: answers(self.port)() or not self.process.alive())
        if not self.process.alive():
            raise RuntimeError("OpenSMTPD did not start: " + open(f"{folder}/smtpd.log").read()[-500:])

    def send(self, sender, to, raw):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as s:
            s.sendmail(sender, [to], raw)

    def stop(self):
        self.process.stop()


class Postfix:
    """The strictest receiver: refuses whatever breaks RFC 5321 or MIME, and throws away what it took. Its package lies unpacked, for a machine
    has one mail server; `scripts/install test` does that."""

    def __init__(self, folder, package):
        self.port, self.log = free_port(), f"{folder}/log"
        for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace", "public", "maildrop", "pid"):
            os.makedirs(f"{folder}/queue/{name}")
        for name in ("conf", "data"):
            os.makedirs(f"{folder}/{name}")
        with open(f"{folder}/conf/main.cf", "w") as f:
            f.write(f"""
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = {package}/usr/sbin
daemon_directory = {package}/usr/lib/postfix/sbin
shlib_directory = {package}/usr/lib/postfix
meta_directory = {package}/etc/postfix
mail_owner = mail
setgid_group = games
import_environment = MAIL_CONFIG LD_LIBRARY_PATH
maillog_file = {self.log}
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = strict.test
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:all
virtual_transport = discard:
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_helo_required = yes
smtpd_helo_restrictions = reject_invalid_helo_hostname
smtpd_sender_restrictions = reject_non_fqdn_sender
strict_rfc821_envelopes = yes
strict_7bit_headers = yes
strict_8bitmime_body = yes
strict_mime_encoding_domain = yes
""")
        with open(f"{folder}/conf/master.cf", "w") as f:
            f.write(f"""
127.0.0.1:{self.port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
discard unix - - n - - discard
error unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
""")
        for name in os.listdir(f"{folder}/queue"):
            if name != "pid":
                shutil.chown(f"{folder}/queue/{name}", "mail", "games" if name in ("public", "maildrop") else None)
        os.chmod(f"{folder}/queue/public", 0o710)
        os.chmod(f"{folder}/queue/maildrop", 0o730)
        shutil.chown(f"{folder}/data", "mail")
        environment = dict(os.environ, LD_LIBRARY_PATH=f"{package}/usr/lib/postfix")
        self.process = Process([f"{package}/usr/lib/postfix/sbin/master", "-c", f"{folder}/conf", "-d"], f"{folder}/master.log", env=environment)
        wait_for("Postfix", lambda: answers(self.port)() or not self.process.alive())

    def said(self):
        return open(self.log, errors="replace").read() if os.path.exists(self.log) else ""

    def stop(self):
        self.process.stop()


class Web:
    """Serves documents that the test changes while it runs, with ETag and 304."""

    def __init__(self):
        self.documents, self.hits = {}, {}
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                web.hits[self.path] = web.hits.get(self.path, 0) + 1
                if self.path not in web.documents:
                    return self.answer(404, "text/plain", b"no such document")
                kind, body = web.documents[self.path]
                tag = f'"{hash(body) & 0xffffffff:x}"'
                if self.headers.get("If-None-Match") == tag:
                    return self.answer(304, kind, b"", tag)
                self.answer(200, kind, body, tag)

            def answer(self, status, kind, body, tag=None):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                if tag:
                    self.send_header("ETag", tag)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def put(self, path, kind, body):
        self.documents[path] = (kind, body)

    def stop(self):
        self.server.shutdown()


class JSONHandler(http.server.BaseHTTPRequestHandler):
    """What a provider's stand-in needs to answer; a client that was killed meanwhile is no error."""

    protocol_version = "HTTP/1.1"

    def give(self, value, status=200, headers=None):
        self.raw(json.dumps(value).encode(), status, "application/json", headers)

    def raw(self, body, status, kind="application/json", headers=None):
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *arguments):
        pass


class StandIn(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A local server that plays a provider, running until `shutdown`."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, address):
        """A daemon that is killed hangs up; anything else is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, address)


def share(source, folder):
    """A share folder like `source`, but for an empty `channels`; returns its path."""
    target = f"{folder}/share"
    os.makedirs(f"{target}/channels")
    for name in ("templates", "static", "models", "demo"):
        os.symlink(f"{source}/{name}", f"{target}/{name}")
    return target
