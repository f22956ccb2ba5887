"""Peak memory and speed of sending to ever more people: a row for each, planned by `hongyan send`, delivered by `hongyan serve`.

send_scale.py --bin HONGYAN --share FOLDER --sink smtp-sink [--into FOLDER] [--connections N] COUNT…
Prints one line of JSON for each count. The sink throws every mail away, so that only our side is measured.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

LETTER = """---
subject: "Your order {{order}} has shipped, {{first_name}}"
---
Hello {{name}},

good news: your order {{order}} left our warehouse for **{{city}}** and should arrive within {{days}} days.

If anything is not right, just answer this mail.

Kind regards
"""
CONFIG = """database: sqlite://{dir}/hongyan.sqlite3
data: {dir}/data
listen: 127.0.0.1:0
log: {{level: warning}}
senders:
  care:
    kind: smtp
    url: smtp://127.0.0.1:{port}
    plain: true
    connections: {connections}
    limits: {{per_connection: 1000}}
    from: Care <care@hongyan.test>
journeys: []
"""


def peak_mb(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepted(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10) as database:
        return database.execute("SELECT count(*) FROM sends WHERE state = 'accepted'").fetchone()[0]


def measure(options, count):
    folder = pathlib.Path(tempfile.mkdtemp(dir=options.into))
    port = free_port()
    (folder / "letter").mkdir()
    (folder / "letter" / "10-shipped.md").write_text(LETTER, encoding="utf-8")
    (folder / "hongyan.yaml").write_text(CONFIG.format(dir=folder, port=port, connections=options.connections), encoding="utf-8")
    with open(folder / "list.csv", "w", encoding="utf-8") as people:
        people.write("email,name,order,city,days\n")
        for number in range(count):
            people.write(f"c{number}@d{number % 500}.customers.test,Ana Lopez {number},HY{number:08},Lima,{number % 30 + 1}\n")
    environment = dict(os.environ, HONGYAN_SHARE=options.share)
    config = ["--config", str(folder / "hongyan.yaml")]
    sink = subprocess.Popen(
        [options.sink, "-u", "nobody", f"127.0.0.1:{port}", "512"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        began = time.monotonic()
        plan = subprocess.Popen(
            [options.bin, "send", str(folder / "letter"), "--to", str(folder / "list.csv"), "--name", "scale", "--purpose",
             "transactional", *config], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        plan_peak = 0.0
        while plan.poll() is None:
            plan_peak = max(plan_peak, peak_mb(plan.pid))
            time.sleep(0.05)
        planned = time.monotonic() - began
        if plan.returncode != 0:
            sys.exit(f"hongyan send ended with {plan.returncode}")
        began = time.monotonic()
        daemon = subprocess.Popen([options.bin, "serve", *config], env=environment, stdout=subprocess.DEVNULL)
        peak, done, seen = 0.0, 0, time.monotonic()
        while done < count:
            time.sleep(0.2 if count < 50_000 else 2)
            peak = max(peak, peak_mb(daemon.pid))
            now = accepted(folder / "hongyan.sqlite3")
            if now > done:
                done, seen = now, time.monotonic()
            if daemon.poll() is not None or time.monotonic() - seen > 60:
                break
        seconds = time.monotonic() - began
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(20)
    finally:
        sink.terminate()
        sink.wait(10)
    size = sum(file.stat().st_size for file in folder.glob("hongyan.sqlite3*"))
    shutil.rmtree(folder)
    return {
        "recipients": count, "accepted": done, "plan_s": round(planned, 2), "planned_per_s": round(count / planned), "deliver_s":
        round(seconds, 2), "per_s": round(done / seconds), "plan_peak_mb": round(plan_peak, 1), "peak_mb": round(peak, 1),
        "database_mb": round(size / 1e6, 1),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--share", required=True)
    parser.add_argument("--sink", required=True)
    parser.add_argument("--into", default=None)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("counts", nargs="+", type=int)
    options = parser.parse_args()
    failed = False
    for count in options.counts:
        result = measure(options, count)
        failed = failed or result["accepted"] != count
        print(json.dumps(result), flush=True)
    sys.exit(1 if failed else 0)


main()
