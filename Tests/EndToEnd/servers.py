"""Real servers for the tests, each private to one run: on loopback, in its own folder, ended by its own pid."""
import http.server
import os
import pwd
import signal
import smtplib
import socket
import subprocess
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
        self.log = open(log, "ab")
        self.child = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=env, cwd=cwd)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def kill(self):
        self.child.kill()
        self.child.wait()

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
    token; with `relay`, a submission service that hands mail on to that port."""

    def __init__(self, folder, tls=None, oauth=None, relay=None):
        self.folder, self.imap, self.lmtp = folder, free_port(), free_port()
        mail = pwd.getpwnam("mail")
        self.uid, self.gid = mail.pw_uid, mail.pw_gid
        os.makedirs(f"{folder}/run", exist_ok=True)
        os.makedirs(f"{folder}/spool", exist_ok=True)
        for part in (folder, f"{folder}/spool"):
            os.chmod(part, 0o755)
        os.chown(f"{folder}/spool", self.uid, self.gid)
        self.submission = free_port() if relay else None
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
        with open(f"{folder}/dovecot.conf", "w") as f:
            f.write(f"""
protocols = imap lmtp{" submission" if relay else ""}
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
