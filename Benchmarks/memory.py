#!/usr/bin/env python3
"""Runs the daemon under valgrind while it takes messages from a folder, and measures an idle daemon. See scripts/memory."""
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


def under_valgrind(options, messages):
    folder = tempfile.mkdtemp(prefix="hongyan-memory-")
    try:
        setup(folder)
        for n in range(1, messages + 1):
            with open(f"{folder}/mailbox/{n:06d}.eml", "wb") as f:
                f.write(mail(n))
        began = time.monotonic()
        child = subprocess.Popen(["valgrind", "--tool=memcheck", "--leak-check=full", "--show-leak-kinds=definite", "--undef-value-errors=no", "--num-callers=25", f"--log-file={folder}/valgrind.log",
                                  options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"], env=dict(os.environ, HONGYAN_SHARE=options.share), stderr=subprocess.DEVNULL)
        while placed(folder) < messages:
            if child.poll() is not None or time.monotonic() - began > options.limit:
                print(f"stopped at {placed(folder)} of {messages} messages, code {child.poll()}")
                break
            time.sleep(2)
            print(f"\r{placed(folder)} of {messages} ({time.monotonic() - began:.0f} s)", end="", flush=True)
        time.sleep(3)
        child.send_signal(signal.SIGTERM)
        child.wait(120)
        log = open(f"{folder}/valgrind.log", errors="replace").read()
        invalid = len(re.findall(r"Invalid (?:read|write|free)", log))
        lost = re.findall(r"definitely lost: ([\d,]+) bytes in ([\d,]+) blocks", log)
        lost = (int(lost[-1][0].replace(",", "")), int(lost[-1][1].replace(",", ""))) if lost else (0, 0)
        print(f"\r{messages} messages: {invalid} invalid accesses, {lost[0]} bytes in {lost[1]} blocks definitely lost, {time.monotonic() - began:.0f} s")
        if options.keep:
            shutil.copy(f"{folder}/valgrind.log", options.keep)
        return invalid, lost
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def idle(options):
    folder = tempfile.mkdtemp(prefix="hongyan-memory-")
    try:
        setup(folder)
        for n in range(1, 201):
            with open(f"{folder}/mailbox/{n:06d}.eml", "wb") as f:
                f.write(mail(n))
        child = subprocess.Popen([options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"], env=dict(os.environ, HONGYAN_SHARE=options.share), stderr=subprocess.DEVNULL)
        while placed(folder) < 200 and child.poll() is None:
            time.sleep(0.2)
        time.sleep(10)
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
    parser.add_argument("--keep", help="copy valgrind's log of the long run to this file")
    parser.add_argument("--only-idle", action="store_true")
    options = parser.parse_args()
    options.hongyan, options.share = os.path.abspath(options.hongyan), os.path.abspath(options.share)
    idle(options)
    if not options.only_idle:
        short = under_valgrind(options, max(1, options.messages // 10))
        long = under_valgrind(options, options.messages)
        print(f"growth of definite loss from {options.messages // 10} to {options.messages} messages: {long[1][0] - short[1][0]} bytes")


main()
