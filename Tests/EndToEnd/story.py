"""What the world sends in the end-to-end test, and what must come of it. The same seed tells the same story."""
import base64
import json
import random
from email.message import EmailMessage
from email.utils import format_datetime
from datetime import datetime, timedelta, timezone

SUPPORT = "support@hongyan.test"
START = datetime(2026, 3, 2, 8, 0, tzinfo=timezone.utc)

LINES = [
    ("en", "utf-8", "My order {n} has not arrived", "I am waiting for order {n} since last week. This is terrible, please help."),
    ("en", "iso-8859-1", "Café machine {n} leaks", "The new café machine {n} leaks water all over the table. Très annoying!"),
    ("en", "utf-8", "Thank you for order {n} 🎉", "Wonderful service, the parcel {n} came a day early. I love it."),
    ("zh", "utf-8", "发票 {n} 抬头开错了", "您好，发票 {n} 的抬头写成了个人名字，请尽快重开，非常着急。"),
    ("zh", "gb18030", "订单 {n} 还没有收到", "订单 {n} 已经等了两个星期了，客服没有人回复，太失望了！"),
    ("zh", "gbk", "感谢 {n} 号客服", "{n} 号客服非常耐心，问题很快就解决了，谢谢你们。"),
    ("zh", "big5", "請問 {n} 型號的保固", "請問 {n} 型號的保固期是多久？謝謝。"),
    ("ja", "iso-2022-jp", "{n}番の注文について", "{n}番の注文はいつ届きますか。よろしくお願いします。"),
    ("ru", "koi8-r", "Вопрос о заказе {n}", "Здравствуйте, когда придёт заказ {n}? Спасибо."),
]


class Mail:
    def __init__(self, sender, raw, message_id, token, nature):
        self.sender, self.raw, self.message_id, self.token, self.nature = sender, raw, message_id, token, nature


class Story:
    """200 mails, 50 form entries, 50 feed entries, and the truth about them."""

    def __init__(self, seed=7, mails=200, entries=50, posts=50):
        self.random = random.Random(seed)
        self.mails, self.entries, self.posts = [], [], []
        self.thread_of = {}  # token -> thread name; absent for automatic mail outside any thread
        self.people = {}  # address -> thread of its first message
        self.automatic = set()  # addresses that only ever sent automatic mail
        self.write_mails(mails)
        self.write_entries(entries)
        self.write_posts(posts)

    # --- mail -----------------------------------------------------------------------------------------------------------------

    def write_mails(self, count):
        threads = []  # [name, address, person, subject, references, charset, line]
        kinds = ["new"] * 96 + ["reply"] * 64 + ["auto"] * 20 + ["list"] * 10 + ["bounce"] * 10
        kinds = (kinds * (count // len(kinds) + 1))[:count]
        self.random.shuffle(kinds)
        kinds[0] = "new"
        for n, kind in enumerate(kinds):
            token = f"TOK{n:05d}"
            at = START + timedelta(minutes=7 * n)
            if kind == "new" or not threads:
                self.mails.append(self.first_mail(n, token, at, threads))
            elif kind == "reply":
                self.mails.append(self.reply_mail(n, token, at, self.random.choice(threads)))
            else:
                self.mails.append(self.automatic_mail(n, token, at, kind, self.random.choice(threads)))
        # A few answers overtake the mail they answer.
        for n in range(10, len(self.mails) - 1, 37):
            self.mails[n], self.mails[n + 1] = self.mails[n + 1], self.mails[n]

    def first_mail(self, n, token, at, threads):
        line = LINES[n % len(LINES)]
        # Every third person writes a second time about something else.
        known = [t for t in threads if t[1] in self.people]
        if known and n % 3 == 0:
            _, address, person = self.random.choice(known)[:3]
        else:
            address, person = f"person{n}@customers.test", ["Anna Keller", "王晓梅", "Tomasz Nowak", "李雷", "Inés Duarte"][n % 5]
        message_id = f"m{n}.{token.lower()}@customers.test"
        subject = line[2].format(n=1000 + n)
        thread = f"mail-{n}"
        threads.append([thread, address, person, subject, [message_id], line[1], line])
        self.people.setdefault(address, thread)
        self.thread_of[token] = thread
        return self.build(n, token, at, address, person, subject, line[3].format(n=1000 + n), line[1], message_id, [], n % 9 == 4)

    def reply_mail(self, n, token, at, thread):
        name, address, person, subject, references, charset, _ = thread
        message_id = f"m{n}.{token.lower()}@customers.test"
        self.thread_of[token] = name
        prefix = "回复：" if charset in ("gb18030", "gbk") else "Re: "
        links = list(references)
        references.append(message_id)
        body = "还是没有解决，请再看一下。" if prefix == "回复：" else "Any news about this? I am still waiting."
        return self.build(n, token, at, address, person, prefix + subject, body, charset, message_id, links, False)

    def automatic_mail(self, n, token, at, kind, thread):
        message_id = f"m{n}.{token.lower()}@robots.test"
        m = EmailMessage()
        address = {"auto": f"robot{n}@robots.test", "list": f"news{n}@robots.test", "bounce": "mailer-daemon@robots.test"}[kind]
        self.automatic.add(address)
        m["From"], m["To"], m["Message-ID"], m["Date"] = address, SUPPORT, f"<{message_id}>", format_datetime(at)
        if kind == "auto":
            m["Subject"] = "Automatic reply: " + thread[3]
            m["Auto-Submitted"] = "auto-replied"
            if n % 2 == 0:  # half of them answer a mail of a known thread: they join it and change nothing
                m["In-Reply-To"] = f"<{thread[4][0]}>"
                self.thread_of[token] = thread[0]
            m.set_content(f"I am out of the office until Monday. {token}\n")
        elif kind == "list":
            m["Subject"] = f"Our newsletter {n}"
            m["List-Id"] = "News <news.robots.test>"
            m["List-Unsubscribe"] = "<https://robots.test/u>"
            m["Precedence"] = "bulk"
            m.set_content(f"Everything is 20 % off this week! {token}\n")
        else:
            raw = (f"From: Mail Delivery System <{address}>\nTo: {SUPPORT}\nSubject: Undelivered Mail Returned to Sender\nMessage-ID: <{message_id}>\n"
                   f"Date: {format_datetime(at)}\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b{n}\n\n"
                   f"--b{n}\nContent-Type: text/plain\n\nI could not deliver your message. {token}\n\n--b{n}\nContent-Type: message/delivery-status\n\n"
                   f"Reporting-MTA: dns; robots.test\n\nFinal-Recipient: rfc822; gone@robots.test\nAction: failed\nStatus: 5.1.1\n\n--b{n}--\n")
            return Mail("", raw.encode().replace(b"\n", b"\r\n"), message_id, token, kind)
        return Mail(address, m.as_bytes().replace(b"\n", b"\r\n"), message_id, token, kind)

    def build(self, n, token, at, address, person, subject, text, charset, message_id, references, attach):
        m = EmailMessage()
        m["From"] = f'"{person}" <{address}>'
        m["To"] = SUPPORT
        m["Subject"] = subject
        m["Message-ID"] = f"<{message_id}>"
        m["Date"] = format_datetime(at)
        if references:
            if n % 3:
                m["In-Reply-To"] = f"<{references[-1]}>"
            m["References"] = " ".join(f"<{r}>" for r in references)
        m.set_content(f"{text}\n\n{token}\n", charset=charset)
        if n % 4 == 1:
            m.add_alternative(f"<html><body><p>{text}</p><p><b>{token}</b></p><script>alert(1)</script></body></html>", subtype="html")
        if attach:
            m.add_attachment(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="),
                             maintype="image", subtype="png", filename=f"收据 {n}.png")
        return Mail(address, m.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), message_id, token, "human")

    # --- form and feed --------------------------------------------------------------------------------------------------------

    def write_entries(self, count):
        mail_people = sorted(self.people)
        for n in range(count):
            # Every fifth entry is by somebody who also writes mail: one customer, not two.
            address = mail_people[n % len(mail_people)] if n % 5 == 0 else f"visitor{n}@customers.test"
            token = f"FRM{n:05d}"
            self.people.setdefault(address, f"form-{n}")
            self.thread_of[token] = f"form-{n}"
            self.entries.append({"id": f"e{n}", "when": (START + timedelta(minutes=n)).isoformat(), "name": f"Visitor {n}", "mail": address.upper() if n % 7 == 0 else address,
                                 "subject": f"Question {n} from the web form", "message": f"Does it work with 5 GHz? {token} 请问支持吗？"})

    def write_posts(self, count):
        for n in range(count):
            token = f"PST{n:05d}"
            self.thread_of[token] = f"post-{n}"
            self.posts.append({"id": f"tag:social.test,2026:{n}", "author": f"poster{n % 25}", "title": f"Post {n}", "text": f"I tried the new version and it is great, but slow. {token}",
                               "when": (START + timedelta(minutes=3 * n)).isoformat()})

    def form_document(self, upto):
        return json.dumps({"entries": self.entries[:upto]}, ensure_ascii=False).encode()

    def feed_document(self, upto):
        items = "".join(
            f"<entry><id>{p['id']}</id><title>{p['title']}</title><updated>{p['when']}</updated><author><name>{p['author']}</name><uri>https://social.test/@{p['author']}</uri></author>"
            f"<link href='https://social.test/{n}'/><content type='html'>&lt;p&gt;{p['text']}&lt;/p&gt;</content></entry>" for n, p in enumerate(self.posts[:upto]))
        return ("<?xml version='1.0' encoding='utf-8'?><feed xmlns='http://www.w3.org/2005/Atom'><title>Mentions</title><id>tag:social.test,2026</id>"
                f"<updated>2026-03-02T00:00:00Z</updated>{items}</feed>").encode()

    # --- the truth ------------------------------------------------------------------------------------------------------------

    @property
    def tickets(self):
        return len(set(self.thread_of.values()))

    @property
    def customers(self):
        return len(self.people) + len({p["author"] for p in self.posts})

    @property
    def interactions(self):
        return len(self.mails) + len(self.entries) + len(self.posts)
