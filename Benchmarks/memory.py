#!/usr/bin/env python3
"""Memory of an idle daemon and of one that takes many messages; the same under the address sanitizer. See scripts/memory."""
import argparse
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time


def mail(n):
    kinds = ["I am very unhappy, the lamp {n} broke again.", "谢谢，{n} 号订单收到了，非常满意！", "Where is order {n}? 请问什么时候发货？"]
    reply = f"In-Reply-To: <{n - 3}@customers.test>\r\nReferences: <{n - 3}@customers.test>\r\n" if n % 3 == 0 and n > 3 else ""
    text = kinds[n % 3].format(n=n)
    head = (f"From: Person {n} <p{n % 997}@customers.test>\r\nTo: support@hongyan.test\r\nSubject: {'Re: ' if reply else ''}Matter {n}\r\n"
            f"Message-ID: <{n}@customers.test>\r\n{reply}Date: Mon, 02 Mar 2026 08:00:00 +0000\r\nMIME-Version: 1.0\r\n")
    if n % 4 == 0:
        return (head + f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>{text}</p>\r\n--b\r\n"
                f"Content-Type: image/png\r\nContent-Disposition: attachment; filename=a{n % 50}.png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n--b--\r\n").encode()
    charset = "gb18030" if n % 5 == 0 else "utf-8"
    return (head + f"Content-Type: text/plain; charset={charset}\r\n\r\n").encode() + text.encode(charset) + b"\r\n"


def setup(folder):
    for part in ("mailbox", "outbox"):
        os.makedirs(f"{folder}/{part}", exist_ok=True)
    with open(f"{folder}/hongyan.yaml", "w") as f:
        f.write(f"""database: sqlite://{folder}/hongyan.sqlite3
data: {folder}/data
listen: 127.0.0.1:0
log: {{level: warning}}
accounts:
  box: {{kind: folder, path: {folder}/mailbox, every: 1s, addresses: [support@hongyan.test]}}
senders:
  care: {{kind: folder, path: {folder}/outbox, from: Care <care@hongyan.test>}}
journeys: [welcome]
""")


def placed(folder):
    try:
        connection = sqlite3.connect(f"file:{folder}/hongyan.sqlite3?mode=ro", uri=True, timeout=30)
        try:
            return connection.execute("SELECT count(*) FROM interactions WHERE direction = 'inbound' AND state = 'placed'").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error:
        return 0


def status(pid, key):
    return int(re.search(rf"{key}:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) / 1024


def sanitized(options, messages):
    """The daemon built with the address sanitizer takes the messages and is stopped: invalid accesses and leaked bytes, as the sanitizer tells them."""
    folder = tempfile.mkdtemp(prefix="hongyan-memory-")
    try:
        setup(folder)
        fill(folder, messages)
        began = time.monotonic()
        log = open(f"{folder}/asan.log", "wb")
        child = subprocess.Popen([options.sanitized, "serve", "--config", f"{folder}/hongyan.yaml"], stderr=log,
                                 env=dict(os.environ, HONGYAN_SHARE=options.share, ASAN_OPTIONS="detect_leaks=1:halt_on_error=0:fast_unwind_on_malloc=0"))
        taken(child, folder, messages, began, options.limit)
        time.sleep(3)
        child.send_signal(signal.SIGTERM)
        child.wait(300)
        text = open(f"{folder}/asan.log", errors="replace").read()
        errors = len(re.findall(r"ERROR: AddressSanitizer", text))
        leaked = re.findall(r"SUMMARY: AddressSanitizer: (\d+) byte\(s\) leaked in (\d+) allocation", text)
        leaked = (int(leaked[-1][0]), int(leaked[-1][1])) if leaked else (0, 0)
        print(f"{messages} messages under the address sanitizer: {errors} invalid accesses, {leaked[0]} bytes in {leaked[1]} allocations leaked, "
              f"exit {child.returncode}, {time.monotonic() - began:.0f} s")
        if options.keep:
            shutil.copy(f"{folder}/asan.log", options.keep)
        return leaked
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def growth(options):
    """Anonymous memory of the release daemon after a tenth and after all of the messages, each time at rest."""
    folder = tempfile.mkdtemp(prefix="hongyan-memory-")
    try:
        setup(folder)
        child = subprocess.Popen([options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"], env=dict(os.environ, HONGYAN_SHARE=options.share), stderr=subprocess.DEVNULL)
        done = 0
        for share in (0.1, 0.25, 0.5, 0.75, 1.0):
            upto = int(options.messages * share)
            fill(folder, upto, done)
            began = time.monotonic()
            taken(child, folder, upto, began, options.limit)
            time.sleep(5)
            print(f"after {upto} messages: {status(child.pid, 'VmRSS'):.1f} MB resident, {status(child.pid, 'RssAnon'):.1f} anonymous, {(upto - done) / (time.monotonic() - began - 5):.0f} messages/s", flush=True)
            done = upto
        child.send_signal(signal.SIGTERM)
        child.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(folder, upto, start=0):
    for n in range(start + 1, upto + 1):
        with open(f"{folder}/mailbox/{n:06d}.tmp", "wb") as f:
            f.write(mail(n))
        os.rename(f"{folder}/mailbox/{n:06d}.tmp", f"{folder}/mailbox/{n:06d}.eml")


def taken(child, folder, messages, began, limit):
    while placed(folder) < messages:
        if child.poll() is not None or time.monotonic() - began > limit:
            print(f"stopped at {placed(folder)} of {messages} messages, code {child.poll()}")
            return
        time.sleep(0.5)


def idle(options):
    folder = tempfile.mkdtemp(prefix="hongyan-memory-")
    try:
        setup(folder)
        fill(folder, 200)
        child = subprocess.Popen([options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"], env=dict(os.environ, HONGYAN_SHARE=options.share), stderr=subprocess.DEVNULL)
        while placed(folder) < 200 and child.poll() is None:
            time.sleep(0.2)
        time.sleep(30)
        cpu = lambda: sum(int(v) for v in open(f"/proc/{child.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")
        before = cpu()
        time.sleep(20)
        print(f"idle after 200 messages: {status(child.pid, 'VmRSS'):.1f} MB resident (anonymous {status(child.pid, 'RssAnon'):.1f}), peak {status(child.pid, 'VmHWM'):.1f} MB, "
              f"CPU {(cpu() - before) * 3:.2f} s a minute")
        child.send_signal(signal.SIGTERM)
        child.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hongyan", required=True)
    parser.add_argument("--share", required=True)
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--limit", type=int, default=3600)
    parser.add_argument("--sanitized", help="the same program built with --sanitize=address")
    parser.add_argument("--keep", help="copy the sanitizer's log of the long run to this file")
    options = parser.parse_args()
    options.hongyan, options.share = os.path.abspath(options.hongyan), os.path.abspath(options.share)
    idle(options)
    growth(options)
    if options.sanitized:
        short = sanitized(options, max(1, options.messages // 10))
        long = sanitized(options, options.messages)
        print(f"growth of the leak from {options.messages // 10} to {options.messages} messages: {long[0] - short[0]} bytes")


main()
