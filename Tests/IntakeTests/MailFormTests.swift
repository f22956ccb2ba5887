import Domain
import Store
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct MailFormTests {
    static let account: Account = {
        var account = Account(name: "box", kind: .imap, url: "imaps://mail.example")
        account.mailForms = [
            MailForm(
                name: "contact", from: ["wordpress@*"], subjects: ["New entry"],
                labels: [
                    .init("First name", .name), .init("Last name", .name), .init("E-Mail", .email), .init("Phone", .phone),
                    .init("Topic", .subject), .init("Message", .message),
                ], drop: ["Page URL", "IP"]),
            MailForm(
                name: "官网表单", subjects: ["表单提交"],
                labels: [.init("姓名", .name), .init("手机号", .phone), .init("邮箱", .email), .init("留言", .message)]),
        ]
        return account
    }()

    /// A tool's plain mail; `body` has its fields.
    static func english(_ body: String, from: String = "Shop <wordpress@shop.example>", subject: String = "New entry: Contact") -> String {
        """
        From: \(from)
        To: support@shop.example
        Reply-To: ann@example.com
        Subject: \(subject)
        Date: Fri, 20 Nov 2026 08:00:00 +0000
        Message-ID: <f1@shop.example>
        Auto-Submitted: auto-generated
        Content-Type: text/plain; charset=utf-8

        \(body)
        """
    }

    static let filled = """
        First name: Ann
        Last name: Lee
        E-Mail: Ann Lee <Ann@Example.com>
        Size: 42
        Topic: Delivery
        Message:
        Where is it?

        Phone: ask me
        Page URL: https://shop.example/contact
        IP: 192.0.2.1

        --
        Sent by the form of Shop
        """

    static let chinese = """
        From: 表单通知 <notice@forms.example>
        To: support@shop.example
        Subject: =?UTF-8?B?5oKo5pyJ5paw55qE6KGo5Y2V5o+Q5Lqk?=
        Date: Fri, 20 Nov 2026 08:00:00 +0000
        Message-ID: <f2@forms.example>
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary=x

        --x
        Content-Type: text/html; charset=utf-8

        <p>您收到一条新的提交</p><table><tr><td>姓名</td><td>王芳</td></tr><tr><td>手机号</td><td>+86 138 0013 8000</td></tr>
        <tr><td>尺码</td><td>42</td></tr><tr><td>留言</td><td>你好，<br>邮箱：evil@example.com</td></tr></table>
        --x
        Content-Type: image/png; name=photo.png
        Content-Disposition: attachment; filename=photo.png
        Content-Transfer-Encoding: base64

        iVBORw==
        --x--
        """

    struct Told: Sendable {
        var interaction: Interaction
        var reasons: [String]
    }

    static func digest(_ mail: String, _ account: Account = account) async throws -> Told {
        var told: Told?
        try await House.with { house in
            try await house.spool("box", House.mail("INBOX/7/1", mail))
            try await house.drain(house.digest([account]))
            let all = try await house.interactions()
            #expect(all.count == 1)
            let first = try #require(all.first)
            let reasons = try await house.store.read { try $0.reasons.about(.interaction, first.id.rawValue) }
            told = Told(interaction: first, reasons: reasons.filter { $0.decision == "nature" }.map(\.text))
        }
        return try #require(told)
    }

    @Test func `a form tool's mail becomes a form of the person who filled it in`() async throws {
        let told = try await Self.digest(Self.english(Self.filled))
        let form = told.interaction
        #expect(form.kind == .form && form.nature == .human)
        #expect(form.author == Interaction.Author(name: "Ann Lee", email: "ann@example.com"))
        #expect(form.subject == "Delivery")
        #expect(form.body == "Where is it?")
        #expect(
            form.fields.map { "\($0.name)=\($0.value)" } == [
                "First name=Ann", "Last name=Lee", "E-Mail=Ann Lee <Ann@Example.com>", "Size=42", "Topic=Delivery", "Message=Where is it?",
                "Phone=ask me",
            ])
        #expect(form.externalID == "INBOX/7/1" && form.messageID == "f1@shop.example" && form.recipients == ["support@shop.example"])
        #expect(form.occurredAt == Timestamp(seconds: 1_795_161_600))
        #expect(told.reasons == ["a form mail of `contact`, filled in by ann@example.com"])
    }

    @Test func `a Chinese table becomes a form with its attachment, and its message cannot name another person`() async throws {
        let told = try await Self.digest(Self.chinese)
        let form = told.interaction
        #expect(form.kind == .form && form.html == nil)
        #expect(form.author == Interaction.Author(name: "王芳", phone: "+8613800138000"))
        #expect(form.body == "你好，\n邮箱：evil@example.com")
        #expect(form.fields.map(\.name) == ["姓名", "手机号", "尺码", "留言"])
        #expect(form.attachments.map(\.name) == ["photo.png"])
        #expect(told.reasons == ["a form mail of `官网表单`, filled in by +8613800138000"])
    }

    @Test func `a form without a message has all its fields as its text`() async throws {
        let told = try await Self.digest(Self.english("E-Mail: ann@example.com\nSize: 42\nIP: 192.0.2.1\n"))
        #expect(told.interaction.body == "E-Mail: ann@example.com\nSize: 42")
    }

    @Test func `a form that comes from an address of ours is a form all the same`() async throws {
        let told = try await Self.digest(
            Self.english(Self.filled, from: "care@shop.example", subject: "表单提交 New entry"),
            {
                var account = Self.account
                account.mailForms[0].from = ["care@shop.example"]
                return account
            }())
        #expect(told.interaction.kind == .form && told.interaction.nature == .human)
    }

    struct Stays: Sendable, CustomTestStringConvertible {
        var mail: String
        var says: String
        var testDescription: String { says }
    }

    @Test(
        "what no rule explains stays a mail and says why",
        arguments: [
            Stays(
                mail: english(filled, from: "bob@example.com"),
                says: "a machine wrote it: Auto-Submitted is auto-generated; no form under `mailforms` matches it"),
            Stays(
                mail: english(filled, subject: "Re: New entries"),
                says: "a machine wrote it: Auto-Submitted is auto-generated; no form under `mailforms` matches it"),
            Stays(
                mail: english("First name: Ann\nMessage: call me\n"),
                says: "a machine wrote it: Auto-Submitted is auto-generated; the form `contact` matches it, but it says neither an address "
                    + "nor a phone number under “E-Mail”, “Phone”: it stays a mail"),
            Stays(
                mail: english("E-Mail: ann@example.com, bob@example.com\nPhone: 12\n"),
                says: "a machine wrote it: Auto-Submitted is auto-generated; the form `contact` matches it, but it says neither an address "
                    + "nor a phone number under “E-Mail”, “Phone”: it stays a mail"),
            Stays(
                mail: english("There is a new entry. Open the dashboard to see it.\n"),
                says:
                    "a machine wrote it: Auto-Submitted is auto-generated; the form `contact` matches it, but none of its labels was found "
                    + "with a value: it stays a mail"),
            Stays(
                mail: english("E-Mail: care@shop.example\nMessage: a test\n"),
                says: "a machine wrote it: Auto-Submitted is auto-generated; the form `contact` matches it, but the address in it, "
                    + "care@shop.example, is one of ours: it stays a mail"),
            Stays(
                mail: english(filled).replacing("Auto-Submitted: auto-generated", with: "X-Failed-Recipients: a@b.example"),
                says: "a bounce: X-Failed-Recipients is set"),
        ])
    func stays(_ test: Stays) async throws {
        let told = try await Self.digest(test.mail)
        #expect(told.interaction.kind == .mail)
        #expect(told.interaction.author.email != "ann@example.com")
        #expect(told.reasons == [test.says])
    }

    @Test func `an account without forms says nothing about them`() async throws {
        let told = try await Self.digest(Self.english(Self.filled), Account(name: "box", kind: .imap, url: "imaps://mail.example"))
        #expect(told.interaction.kind == .mail)
        #expect(told.reasons == ["a machine wrote it: Auto-Submitted is auto-generated"])
    }
}
