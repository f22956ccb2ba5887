#!/usr/bin/env python3
"""Services that push to us: every message arrives exactly once, though the services repeat themselves and the daemon is killed.

    hooks.py --hongyan BINARY --share FOLDER [--seconds 30] [--kills 8] [--seed 4] [--keep]

WhatsApp, a WeChat official account and DingTalk push to the real daemon as their channel files expect it, signed; and a made-up service both pushes and is
polled. A service that is not thanked with 200 sends again until it is, sometimes it sends again although it was, and strangers knock without the right
signature. The daemon is killed with kill -9 in mid-stream.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import random
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

SECRET = "s3cret-of-ours"
NAMES = ("whatsapp", "wechat", "dingtalk", "both")
BOTH = """channel: both
docs: https://both.example/docs
config: {secret: {type: secret, required: true}}
base: BASE
streams:
  messages:
    every: 1s
    request: {path: /list}
    records: $.items[*]
    cursor: {kind: id, path: id, send: {query: since}, compare: number}
    map: {external_id: id, occurred_at: at | date(epoch), author.handle: from, text: text}
push:
  stream: messages
  verify: {header: X-Sum, algorithm: hmac_sha256, key: "{{ config.secret }}", string: "{{ headers.x-time }}.{{ body }}", timestamp: headers.x-time, within: 10m}
"""


def whatsapp(number):
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550001"}, "contacts": [{"profile": {"name": "Zoe"}, "wa_id": "4915"}],
        "messages": [{"from": "4915", "id": f"wamid.{number}", "timestamp": str(int(time.time())), "type": "text", "text": {"body": f"hello {number}"}}]}}]}]})
    sum = hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    return "", {"X-Hub-Signature-256": f"sha256={sum}", "Content-Type": "application/json"}, body


def wechat(number):
    at, nonce = str(int(time.time())), str(number * 7)
    sum = hashlib.sha1("".join(sorted([SECRET, at, nonce])).encode()).hexdigest()
    body = (f"<xml><ToUserName><![CDATA[gh]]></ToUserName><FromUserName><![CDATA[fan]]></FromUserName><CreateTime>{at}</CreateTime>"
            f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好 {number}]]></Content><MsgId>{90000 + number}</MsgId></xml>")
    return f"?signature={sum}&timestamp={at}&nonce={nonce}&openid=fan", {"Content-Type": "text/xml"}, body


def dingtalk(number):
    at = str(int(time.time() * 1000))
    sum = base64.b64encode(hmac.new(SECRET.encode(), f"{at}\n{SECRET}".encode(), hashlib.sha256).digest()).decode()
    body = json.dumps({"conversationId": "c1", "msgId": f"msg{number}", "senderNick": "吴越", "createAt": int(time.time() * 1000), "senderId": "u1",
                       "msgtype": "text", "text": {"content": f"在吗 {number}"}})
    return "", {"timestamp": at, "sign": sum, "Content-Type": "application/json"}, body


def item(number):
    return {"id": str(number), "at": 1795000000 + number, "from": "zoe", "text": f"words {number}"}


def both(number):
    at, body = str(int(time.time())), json.dumps({"items": [item(number)]})
    return "", {"X-Time": at, "X-Sum": hmac.new(SECRET.encode(), f"{at}.{body}".encode(), hashlib.sha256).hexdigest()}, body


MAKE = {"whatsapp": whatsapp, "wechat": wechat, "dingtalk": dingtalk, "both": both}
IDS = {"whatsapp": "push/wamid.{}", "wechat": "push/9{:04}", "dingtalk": "push/msg{}", "both": "messages/{}"}


def send(port, account, query, headers, body, method="POST"):
    """The answer's status and text, or None when there was none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, f"/hooks/{account}{query}", body=body.encode() if body is not None else None, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Service(threading.Thread):
    """Sends each message until it is thanked, as the real ones do, and now and then once more."""

    def __init__(self, name, port, seed, end):
        super().__init__(daemon=True)
        self.name, self.port, self.end = name, port, end
        self.chance = random.Random(f"{seed} {name}")
        self.sent, self.retries, self.repeats, self.wrong = 0, 0, 0, []

    def deliver(self, number, until):
        while time.time() < until:
            answer = send(self.port, self.name, *MAKE[self.name](number))
            if answer and answer[0] == 200:
                return True
            if answer and answer[0] not in (503, 429):
                self.wrong.append(answer)
            self.retries += 1
            time.sleep(0.05 + self.chance.random() * 0.2)
        return False

    def run(self):
        while time.time() < self.end:
            self.sent += 1
            if not self.deliver(self.sent, self.end + 60):
                self.wrong.append(("not thanked", self.sent))
            if self.chance.random() < 0.2:
                self.repeats += 1
                self.deliver(self.chance.randrange(1, self.sent + 1), self.end + 60)
            time.sleep(self.chance.random() * 0.05)


def serve_list(services):
    """What the service that is also polled answers."""

    class Handler(servers.JSONHandler):
        def do_GET(self):
            since = int(urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query).get("since", ["0"])[0])
            sent = next(service.sent for service in services if service.name == "both")
            self.give({"items": [item(number) for number in range(since + 1, sent + 1)]})

    return servers.StandIn(Handler)


def strangers(check, port):
    def status(account, query, headers, body, method="POST"):
        return send(port, account, query, headers, body, method)

    query, headers, body = whatsapp(1)
    check.equal("no signature", status("whatsapp", "", {}, body), (401, ""))
    check.equal("another body than was signed", status("whatsapp", "", headers, body.replace("hello", "hallo")), (401, ""))
    check.equal("a large body", status("whatsapp", "", headers, "x" * (5 << 20)) in ((413, ""), None), True)
    check.equal("an account that is not there", status("nobody", "", headers, body), (404, ""))
    check.equal("an account that is not pushed to", status("mail", "", headers, body), (404, ""))
    _, headers, body = both(1)
    old = str(int(time.time()) - 3600)
    sum = hmac.new(SECRET.encode(), f"{old}.{body}".encode(), hashlib.sha256).hexdigest()
    check.equal("signed an hour ago", status("both", "", {"X-Time": old, "X-Sum": sum}, body), (401, ""))
    ask = f"?hub.mode=subscribe&hub.challenge=4711&hub.verify_token={SECRET}"
    check.equal("Meta's question", status("whatsapp", ask, {}, None, "GET"), (200, "4711"))
    check.equal("Meta's question with a wrong word", status("whatsapp", ask + "x", {}, None, "GET"), (403, ""))
    signed = wechat(3)[0]
    check.equal("WeChat's question", status("wechat", signed + "&echostr=99", {}, None, "GET"), (200, "99"))
    check.equal("WeChat's question, not signed", status("wechat", "?echostr=99&timestamp=1&nonce=2&signature=3", {}, None, "GET"), (403, ""))


def story(options, folder):
    check, port = Checks(), servers.free_port()
    end = time.time() + options.seconds + 3
    services = [Service(name, port, options.seed, end) for name in NAMES]
    server = serve_list(services)
    database = f"{folder}/hongyan.sqlite3"
    share = servers.share(options.share, folder)
    os.makedirs(f"{folder}/mail")
    for name in ("whatsapp", "wechat-oa", "dingtalk"):
        os.symlink(f"{options.share}/channels/{name}.yaml", f"{share}/channels/{name}.yaml")
    with open(f"{share}/channels/both.yaml", "w") as f:
        f.write(BOTH.replace("BASE", server.base))
    with open(f"{folder}/hongyan.yaml", "w") as f:
        f.write(f"""database: sqlite://{database}
data: {folder}/data
share: {share}
listen: 127.0.0.1:{port}
accounts:
  mail: {{kind: folder, path: {folder}/mail}}
  whatsapp: {{kind: channel, channel: whatsapp, config: {{phone_number_id: "1", token: {{env: TOKEN}}, app_secret: {{env: TOKEN}}, verify_token: {{env: TOKEN}}}}}}
  wechat: {{kind: channel, channel: wechat-oa, config: {{appid: a, secret: {{env: TOKEN}}, token: {{env: TOKEN}}}}}}
  dingtalk: {{kind: channel, channel: dingtalk, config: {{app_secret: {{env: TOKEN}}}}}}
  both: {{kind: channel, channel: both, start: all, every: 500ms, plain: true, config: {{secret: {{env: TOKEN}}}}}}
""")
    environment = dict(os.environ, TOKEN=SECRET)
    command = [options.hongyan, "serve", "--config", f"{folder}/hongyan.yaml"]

    def stored():
        found = {name: [] for name in NAMES}
        for account, external in frame.rows(database, "SELECT account, external_id FROM interactions WHERE direction = 'inbound'"):
            found[account].append(external)
        return found

    daemon = servers.Process(command, f"{folder}/log", env=environment)
    try:
        chance = random.Random(options.seed)
        for service in services:
            service.start()
        daemon.batter(options.seconds, options.kills, chance)
        for service in services:
            service.join(90)
        total = sum(service.sent for service in services)
        try:
            wait_for("all messages", lambda: sum(map(len, stored().values())) >= total, 60, every=0.5)
        except Exception as error:
            print(f"not all came: {error}")
        time.sleep(2)  # for doubles
        found = stored()
        print(f"       {total} messages, {sum(s.retries for s in services)} sent again for want of thanks, "
              f"{sum(s.repeats for s in services)} without need, {options.kills} kills")
        check.true("the daemon was in the services' way", sum(s.retries for s in services) > 0 or options.kills == 0)
        for service in services:
            expected = [IDS[service.name].format(number) for number in range(1, service.sent + 1)]
            check.equal(f"{service.name}: {service.sent} messages, missing", sorted(set(expected) - set(found[service.name])), [])
            check.equal(f"{service.name}: stored twice, or never made", sorted(found[service.name]) == sorted(expected), True)
            check.equal(f"{service.name}: answers that are no thanks", service.wrong, [])
        strangers(check, port)
        time.sleep(3)
        check.equal("nothing a stranger sent is stored", {name: len(ids) for name, ids in stored().items()}, {name: len(ids) for name, ids in found.items()})
        check.equal("nothing is in quarantine", frame.rows(database, "SELECT count(*) FROM spool WHERE state = 'quarantined'"), [(0,)])
        shown = subprocess.run([options.hongyan, "status", "--config", f"{folder}/hongyan.yaml"], capture_output=True, text=True, env=environment).stdout
        check.true("status counts what was refused, and says why", "4 refused" in shown and "the question for the address" in shown and "2 refused" not in shown.split("whatsapp")[0], shown)
        events = frame.rows(database, "SELECT data FROM events WHERE kind = 'account.changed' AND data LIKE '%refused%'")
        check.true("an event tells of it", len(events) >= 3 and len(events) <= 4, events)
        log = open(f"{folder}/log", errors="replace").read()
        check.true("no secret stands in the log", SECRET not in log)
        check.equal("the daemon ends when told to", daemon.stop(), 0)
    finally:
        if daemon.alive():
            daemon.stop()
        server.shutdown()
    return check


if __name__ == "__main__":
    parser = frame.arguments()
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=4)
    frame.run(parser, "hooks", story)
