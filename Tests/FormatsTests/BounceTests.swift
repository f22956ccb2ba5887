import Domain
import Formats
import Testing

/// Machine mail as servers write it, with what must be read from it. Written for these tests.
@Suite struct BounceTests {
    static func read(_ text: String) throws -> MachineReport? { MachineReport.read(try MailParser.parse(Array(text.utf8))) }

    static func report(_ status: String, subject: String = "Undelivered Mail Returned to Sender") -> String {
        """
        From: MAILER-DAEMON@mx.shop.example (Mail Delivery System)
        To: bounce+token@shop.example
        Subject: \(subject)
        Auto-Submitted: auto-replied
        MIME-Version: 1.0
        Content-Type: multipart/report; report-type=delivery-status; boundary=b

        --b
        Content-Type: text/plain

        This is the mail system. I'm sorry.
        --b
        Content-Type: message/delivery-status

        Reporting-MTA: dns; mx.shop.example
        Original-Envelope-Id: QQ314159

        \(status)

        --b
        Content-Type: message/rfc822

        From: Care <care@shop.example>
        To: ana@example.com
        Subject: Your order
        Message-ID: <h.s.1.abc@shop.example>
        X-Hongyan-Loop: mark

        Hello
        --b--
        """
    }

    @Test func `a standard report gives every recipient and the mail it is about`() throws {
        let text = Self.report(
            """
            Original-Recipient: rfc822;Ana@example.com
            Final-Recipient: rfc822;ana.k@inner.example
            Action: failed
            Status: 5.1.1
            Remote-MTA: dns; mx.inner.example
            Diagnostic-Code: smtp; 550 5.1.1 <ana.k@inner.example>: Recipient address
             rejected: User unknown in local recipient table

            Final-Recipient: rfc822; ben@example.com
            Action: delayed
            Status: 4.2.2
            Diagnostic-Code: smtp; 452 4.2.2 mailbox full
            """)
        let report = try #require(try Self.read(text))
        #expect(report.kind == .bounce)
        #expect(report.original.messageID == "h.s.1.abc@shop.example")
        #expect(report.original.envelopeID == "QQ314159")
        #expect(report.original.from == "care@shop.example")
        #expect(report.original.to == ["ana@example.com"])
        #expect(report.original.subject == "Your order")
        #expect(report.original.fields.map(\.name) == ["X-Hongyan-Loop"])
        let (ana, ben) = (report.recipients[0], report.recipients[1])
        #expect(report.recipients.count == 2)
        #expect((ana.address, ana.finalAddress) == ("Ana@example.com", "ana.k@inner.example"))
        #expect((ana.reason, ana.status, ana.replyCode, ana.action) == (.userUnknown, "5.1.1", 550, .failed))
        #expect(ana.isDead && ana.isPermanent)
        #expect((ben.reason, ben.status, ben.replyCode, ben.action) == (.mailboxFull, "4.2.2", 452, .delayed))
        #expect(!ben.isDead && !ben.isPermanent)
    }

    struct Free: CustomTestStringConvertible, Sendable {
        var name: String
        var from = "MAILER-DAEMON@mx.example.net"
        var subject = "failure notice"
        var body: String
        var address: String
        var reason: BounceReason
        var status: String?
        var code: Int?
        var action = MachineReport.Action.failed
        var testDescription: String { name }
    }

    @Test(
        "free text names the recipient, the reason and the codes",
        arguments: [
            Free(
                name: "a line for each address, indented words",
                body: """
                    Hi. This is the mail program at mx.example.net.
                    I'm afraid I wasn't able to deliver your message.

                    <ana@example.com>:
                    192.0.2.1 does not like recipient.
                    Remote host said: 550 5.1.1 <ana@example.com>: no such user
                    Giving up on 192.0.2.1.

                    --- Below this line is a copy of the message.

                    Message-ID: <m@shop.example>
                    To: <trap@example.com>
                    """, address: "ana@example.com", reason: .userUnknown, status: "5.1.1", code: 550),
            Free(
                name: "two-line reply after DATA", subject: "Mail delivery failed: returning message to sender",
                body: """
                    A message that you sent could not be delivered to one or more of its
                    recipients. The following address(es) failed:

                      ana@example.com
                        SMTP error from remote mail server after end of data:
                        host mx.example.com [192.0.2.1]: 552 5.3.4 Message size exceeds fixed limit

                    ------ This is a copy of the message, including all the headers. ------
                    From: x@y.example
                    """, address: "ana@example.com", reason: .messageTooBig, status: "5.3.4", code: 552),
            Free(
                name: "unknown user after DATA is a filter's word",
                body: """
                    This is the mail system. Your mail could not be delivered.
                    <ana@example.com>: host mx.example.com[192.0.2.1] said: 550 Unknown user ana@example.com
                        (in reply to end of DATA command)
                    """, address: "ana@example.com", reason: .filtered, code: 550),
            Free(
                name: "a warning is no failure", subject: "Warning: message delayed 24 hours",
                body: """
                    A message that you sent has not yet been delivered. The address is:

                      ana@example.com
                        host mx.example.com: Connection timed out

                    No action is required on your part.
                    """, address: "ana@example.com", reason: .expired, action: .delayed),
            Free(
                name: "退信，收件人不存在", from: "PostMaster@qq.example", subject: "系统退信",
                body: """
                    抱歉，您的邮件被退回来了……
                    收件人：ana@example.com
                    退信原因：收件人邮件地址（ana@example.com）不存在，邮件无法送达。
                    host mx.example.com said: 550 Mailbox not found (in reply to RCPT TO command)
                    """, address: "ana@example.com", reason: .userUnknown, code: 550),
            Free(
                name: "邮箱已满", from: "postmaster@163.example", subject: "退信：您的订单",
                body: """
                    您的邮件投递失败。
                    <ana@example.com>: 对方邮箱已满，无法投递
                    """, address: "ana@example.com", reason: .mailboxFull),
            Free(
                name: "label and address", from: "postmaster@example.net", subject: "Undeliverable Mail",
                body: """
                    User mailbox exceeds allowed size: ana@example.com

                    Original message follows.

                    To: trap@example.com
                    """, address: "ana@example.com", reason: .mailboxFull),
            Free(
                name: "the status behind the reply code wins",
                body: """
                    We were unable to deliver your message.
                    <ana@example.com>: 5.1.0 - Unknown address error 550-'5.7.1 <s@shop.example>... blocked using zen.spamhaus.org'
                    """, address: "ana@example.com", reason: .blocked, status: "5.7.1", code: 550),
        ])
    func readsFreeText(_ want: Free) throws {
        let text =
            "From: \(want.from)\nTo: care@shop.example\nSubject: \(want.subject)\nContent-Type: text/plain; charset=utf-8\n\n\(want.body)\n"
        let report = try #require(try Self.read(text))
        #expect(report.kind == .bounce)
        let one = try #require(report.recipients.first)
        #expect(report.recipients.count == 1)
        #expect(one.address == want.address)
        #expect(one.reason == want.reason, "\(one.words)")
        #expect(one.status == want.status)
        #expect(one.replyCode == want.code)
        #expect(one.action == want.action)
    }

    @Test func `a feedback report is a complaint of everyone it names`() throws {
        let text = """
            From: fbl@provider.example
            Subject: abuse report
            MIME-Version: 1.0
            Content-Type: multipart/report; report-type=feedback-report; boundary=b

            --b
            Content-Type: text/plain

            An abuse report.
            --b
            Content-Type: message/feedback-report

            Feedback-Type: Abuse
            User-Agent: Some/1.0
            Version: 1
            Original-Rcpt-To: <ana@example.com>
            Original-Rcpt-To: ben@example.com
            --b
            Content-Type: text/rfc822-headers

            From: care@shop.example
            Message-ID: <h.s.2.def@shop.example>
            --b--
            """
        let report = try #require(try Self.read(text))
        #expect(report.kind == .complaint)
        #expect(report.recipients.map(\.address) == ["ana@example.com", "ben@example.com"])
        #expect(Set(report.recipients.map(\.feedbackType)) == ["abuse"])
        #expect(report.original.messageID == "h.s.2.def@shop.example")
    }

    @Test func `a cloud service's notification is read from its JSON, also wrapped and broken into lines`() throws {
        let inner =
            #"{\"notificationType\":\"Bounce\",\"bounce\":{\"bounceType\":\"Permanent\",\"bouncedRecipients\":[{\"emailAddress\":\"ana@exam"#
            + "\n"
            + #"ple.com\",\"status\":\"5.1.1\",\"diagnosticCode\":\"smtp; 550 5.1.1 user unknown\"}]},\"mail\":{\"messageId\":\"env-1\","#
            + #"\"commonHeaders\":{\"messageId\":\"<h.s.3.x@shop.example>\"}}}"#
        let text =
            "From: no-reply@sns.example\nSubject: Notification\n\n{\n\"Type\" : \"Notification\",\n\"Message\" : \"\(inner)\"\n}\n--\nstop?\n"
        let report = try #require(try Self.read(text))
        #expect(report.kind == .bounce)
        #expect(report.recipients.map(\.address) == ["ana@example.com"])
        #expect(report.recipients.first?.reason == .userUnknown)
        #expect(report.original.messageID == "h.s.3.x@shop.example")
    }

    @Test(
        "other machines",
        arguments: [
            ("Subject: Automatic reply: Your order\n\nI am back on Monday.", MachineReport.Kind.outOfOffice),
            ("Subject: Re: order\nAuto-Submitted: auto-replied\n\n我正在休假，下周回来。", .outOfOffice),
            ("Subject: 自动回复：您好\n\n谢谢", .outOfOffice),
            ("Subject: Ticket received\nAuto-Submitted: auto-replied\n\nWe got it.", .autoReply),
            ("Subject: Re: order\nPrecedence:  AUTO_REPLY\n\nThanks.", .autoReply),
            (
                "Subject: Re: order\nAuto-Submitted: auto-replied\n\nAna no longer works here. Write to ben@example.com please.",
                .addressChanged
            ),
            (
                "Subject: Please confirm your message\n\nYour message is being held: click here to have your message delivered, add you to my guest list.",
                .challenge
            ),
            ("Subject: unsubscribe\nX-Apple-Unsubscribe: true\nAuto-Submitted: auto-replied\n\nx", .complaint),
        ])
    func machines(mail: String, kind: MachineReport.Kind) throws {
        let report = try Self.read("From: Ana <ana@example.com>\nContent-Type: text/plain; charset=utf-8\n" + mail)
        #expect(report?.kind == kind)
        if kind == .addressChanged { #expect(report?.recipients.first?.newAddress == "ben@example.com") }
    }

    @Test(
        "people are no machines",
        arguments: [
            "Subject: My parcel could not be delivered\n\nThe driver was unable to deliver it to ana@example.com's house.",
            "Subject: Fwd: Undelivered Mail Returned to Sender\n\nWhat is this?\n<ben@example.com>: 550 user unknown\n--- Below this line is a copy of the message.\nTo: x@y.example",
            "Subject: Delivery failure\n\nWhere is my order? Write to ana@example.com",
            "Subject: vacation plans\n\nI am on vacation next week, can you deliver later?",
            "Subject: Please confirm my order\n\nThanks",
            "Auto-Submitted: no\nSubject: Hello\n\n550 5.1.1 user unknown is what I get when I write to you",
        ])
    func people(mail: String) throws { #expect(try Self.read("From: Ana <ana@example.com>\nTo: care@shop.example\n" + mail)?.kind == nil) }

    @Test func `a parcel that could not be delivered is no bounce`() throws {
        let text =
            "From: no-reply@parcels.example\nTo: care@shop.example\nSubject: Delivery failed\n\nYour parcel 550123 could not be delivered today.\n"
        #expect(try Self.read(text) == nil)
    }

    @Test(
        "a server's words in one reply",
        arguments: [
            ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown", 550, "5.1.1"),
            ("550-5.7.26 a\n550 5.7.26 b", 550, "5.7.26"),
            ("421 too busy", 421, nil), ("452 4.2.2 Mailbox full after 30 days", 452, "4.2.2"), ("see 10.5.1.1 please", nil, nil),
            ("554 4.4.7 expired after 840 minutes <421 4.4.2 timed out>", 421, "4.4.2"), ("", nil, nil),
            ("250 2.0.0 Ok\n451 4.3.0 later", 451, "4.3.0"),
            ("550 user unknown (#5.1.1)", 550, "5.1.1"), ("message of 500 KB after 450 minutes", nil, nil),
        ] as [(String, Int?, String?)])
    func replies(text: String, code: Int?, status: String?) {
        let said = ServerWords(text)
        #expect(said.code == code)
        #expect(said.status == status)
    }

    @Test(
        "what we hear ourselves is read the same way",
        arguments: [
            ("550 5.1.1 no such user", BounceReason.userUnknown), ("550 5.7.1 Message rejected due to DMARC policy", .authFailure),
            ("552 5.2.2 over quota", .mailboxFull), ("550 5.7.25 no PTR record", .requirePTR),
            ("554 5.7.1 listed at zen.spamhaus.org", .blocked),
            ("550 Ip frequency limited", .tooManyConnections), ("550 用户不存在", .userUnknown), ("550 域名不存在", .hostUnknown),
            ("553 垃圾邮件", .spamDetected),
            ("550 xyzzy", .onHold), ("556 5.1.10 recipient address has null MX", .notAccept), ("550 5.2.1 mailbox disabled", .suspend),
        ])
    func ownReplies(reply: String, reason: BounceReason) { #expect(ReasonRules.reason(reply: reply, command: .rcpt) == reason) }

    @Test(.timeLimit(.minutes(10)))
    func `hostile reports end, and keep to their bounds`() throws {
        let many = (0..<5000).map { "Final-Recipient: rfc822; a\($0)@example.com\nAction: failed\nStatus: 5.1.1\n" }.joined(
            separator: "\n")
        let big = try #require(try Self.read(Self.report(many)))
        #expect(big.recipients.count == MachineReport.recipientsMax)
        let junk = ["<", "@", "<<<<@@@@>>>>", "550 ", ">>> DATA\n<<< 5", "\u{0}", "a@", "*", "Final-Recipient: ;;;;@;\n"]
        for seed in 0..<8 {
            let body = (0..<1500).map { junk[($0 * 7 + seed * 13 + $0 / (seed + 1)) % junk.count] }.joined(
                separator: seed % 2 == 0 ? "" : "\n")
            _ = try Self.read("From: MAILER-DAEMON@x.example\nSubject: failure notice\n\n" + body)
            _ = try Self.read("From: <>\nSubject: failure notice\nContent-Type: message/delivery-status\n\n" + body)
        }
    }
}
