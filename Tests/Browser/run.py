#!/usr/bin/env python3
"""Starts Dovecot and the daemon (IMAP with IDLE; the poll's interval is a minute, so that only IDLE can be quick) and runs the browser over its pages.

    run.py --hongyan BIN --share DIR [--screenshots DIR]
"""
import argparse
import glob
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "EndToEnd"))
import servers
from servers import wait_for


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hongyan", required=True)
    parser.add_argument("--share", required=True)
    parser.add_argument("--screenshots", default="")
    options = parser.parse_args()
    share = os.path.abspath(options.share)
    folder = tempfile.mkdtemp(prefix="hongyan-browser-")
    os.chmod(folder, 0o755)
    shots = os.path.abspath(options.screenshots or f"{folder}/shots")
    os.makedirs(shots, exist_ok=True)
    dovecot = servers.Dovecot(f"{folder}/dovecot")
    deliver = f"{shlex.quote(sys.executable)} {shlex.quote(here + '/deliver.py')} {dovecot.lmtp}"
    daemon = None
    code = 1
    try:
        for path in sorted(glob.glob(f"{share}/demo/mails/*.eml")):
            raw = open(path, encoding="utf-8").read()
            raw = re.sub(r"@ago (\d+)m@", lambda m: email_date(int(m.group(1))), raw).replace("\n", "\r\n")
            import smtplib
            with smtplib.LMTP("127.0.0.1", dovecot.lmtp) as lmtp:
                lmtp.sendmail("demo@customers.test", ["support@hongyan.test"], raw.encode())
        with open(f"{folder}/password", "w") as f:
            f.write("hongyan-demo\n")
        with open(f"{folder}/imap", "w") as f:
            f.write("pw\n")
        with open(f"{folder}/hongyan.yaml", "w") as f:
            f.write(f"""database: sqlite://{folder}/hongyan.sqlite3
data: {folder}/data
listen: 127.0.0.1:0
routing: {share}/demo/routing.yaml
accounts:
  support:
    kind: imap
    url: imap://127.0.0.1:{dovecot.imap}
    plain: true
    user: support@hongyan.test
    password: {{file: {folder}/imap}}
    addresses: [support@hongyan.test, support@lantern.example]
    every: 60s
    start: all
senders:
  care: {{kind: folder, path: {folder}/outbox, from: Lantern Care <care@hongyan.test>}}
forms:
  contact: {{title: Write to Lantern, queue: Support}}
journeys: [welcome]
""")
        os.makedirs(f"{folder}/outbox")
        environment = dict(os.environ, HONGYAN_SHARE=share)
        for login, name, locale in (("maya", "Maya Chen", "en"), ("xiaomei", "王晓梅", "zh")):
            subprocess.run([options.hongyan, "user", "add", login, "--name", name, "--locale", locale, "--password-file", f"{folder}/password", "--config", f"{folder}/hongyan.yaml"],
                           check=True, env=environment, stdout=subprocess.DEVNULL)
        daemon = servers.Process([options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"], f"{folder}/log", env=environment)
        log = lambda: open(f"{folder}/log", errors="replace").read()
        found = wait_for("the console", lambda: re.search(r"address=127\.0\.0\.1:(\d+)", log()) or not daemon.alive(), 60)
        url = f"http://127.0.0.1:{found.group(1)}"
        status = lambda: subprocess.run([options.hongyan, "status", "--config", f"{folder}/hongyan.yaml"], capture_output=True, text=True, env=environment).stdout
        wait_for("the tickets", lambda: re.search(r"messages +40, 0 not placed", status()), 90, every=0.5)
        code = subprocess.run([sys.executable, f"{here}/browser_test.py", "--url", url, "--login", "maya", "--login-zh", "xiaomei", "--password", "hongyan-demo",
                               "--deliver", deliver, "--screenshots", shots]).returncode
        if code:
            print(log()[-2000:])
    finally:
        if daemon:
            daemon.stop()
        dovecot.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code)


def email_date(minutes):
    from datetime import datetime, timedelta, timezone
    from email.utils import format_datetime
    return format_datetime(datetime.now(timezone.utc) - timedelta(minutes=minutes))


main()
