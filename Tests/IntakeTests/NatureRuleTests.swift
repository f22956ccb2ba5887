import Domain
import Formats
import Testing

@testable import Intake

@Suite struct NatureRuleTests {
    static let rule = NatureRule(ownAddresses: ["support@shop.example"]) {
        $0.hasPrefix("h.s.")
    } isOurMark: {
        $0 == "our-mark"
    }

    static func mail(_ headers: [(String, String)], subject: String = "Hello", from: String = "ann@example.com") -> ParsedMail {
        var mail = ParsedMail()
        mail.subject = subject
        mail.from = from.isEmpty ? [] : [MailAddress(address: from)]
        mail.headers = headers.map { (name: $0.0, value: $0.1) }
        return mail
    }

    struct Case: CustomTestStringConvertible {
        var headers: [(String, String)] = []
        var subject = "Hello"
        var from = "ann@example.com"
        var nature: Interaction.Nature
        var testDescription: String { "\(nature) \(headers) \(subject) \(from)" }
    }

    @Test(
        "the header tells who speaks",
        arguments: [
            Case(nature: .human),
            Case(headers: [("Auto-Submitted", "no")], nature: .human),
            Case(headers: [("Auto-Submitted", " No ")], nature: .human),
            Case(headers: [("Auto-Submitted", "no (a person)")], nature: .human),
            Case(headers: [("X-Auto-Response-Suppress", "None")], nature: .human),
            Case(headers: [("X-Autoreply", "no")], nature: .human),
            Case(headers: [("Precedence", "first-class")], nature: .human),
            Case(subject: "自动回复功能有问题", nature: .human),
            Case(subject: "Out of office chairs: when back in stock?", nature: .human),
            Case(subject: "Undeliverable parcel", nature: .human),
            Case(subject: "Re: Automatic reply: your order", nature: .human),
            Case(headers: [("List-Id", "Support <support.shop.example>"), ("Precedence", "list")], nature: .human),
            Case(headers: [("List-Post", "<mailto:support@shop.example>"), ("List-Id", "<x.groups.example>")], nature: .human),

            Case(headers: [("auto-submitted", "Auto-Replied")], nature: .autoReply),
            Case(headers: [("Auto-Submitted", "auto-generated")], nature: .autoReply),
            Case(headers: [("Precedence", "AUTO_REPLY")], nature: .autoReply),
            Case(headers: [("X-Precedence", "auto_reply")], nature: .autoReply),
            Case(headers: [("X-Auto-Response-Suppress", "DR, AutoReply")], nature: .autoReply),
            Case(headers: [("X-Auto-Response-Suppress", "ALL")], nature: .autoReply),
            Case(headers: [("X-Autoreply", "yes")], nature: .autoReply),
            Case(headers: [("X-Autorespond", "")], nature: .autoReply),
            Case(headers: [("X-AutoReply-From", "bob@example.com")], nature: .autoReply),
            Case(headers: [("X-Mail-Autoreply", "1")], nature: .autoReply),
            Case(headers: [("X-Auto-Generated", "rt")], nature: .autoReply),
            Case(headers: [("X-FC-MachineGenerated", "true")], nature: .autoReply),
            Case(headers: [("X-AMAZON-MAIL-RELAY-TYPE", "notification")], nature: .autoReply),
            Case(headers: [("X-Loop", "Yes")], nature: .autoReply),
            Case(headers: [("Delivered-To", "Autoresponder")], nature: .autoReply),
            Case(headers: [("Return-Path", "<>")], nature: .autoReply),
            Case(from: "Postmaster@example.com", nature: .autoReply),

            Case(headers: [("Auto-Submitted", "auto-replied; owner-email=\"bob@example.com\"")], nature: .outOfOffice),
            Case(headers: [("Auto-Submitted", "auto-replied (vacation)")], subject: "Vacation notice", nature: .outOfOffice),
            Case(headers: [("X-MS-Exchange-Inbox-Rules-Loop", "bob"), ("X-Auto-Response-Suppress", "All")], nature: .outOfOffice),
            Case(subject: "Automatic reply: Your order", nature: .outOfOffice),
            Case(subject: "自动回复：您的订单", nature: .outOfOffice),

            Case(headers: [("Content-Type", "multipart/report; report-type=delivery-status; boundary=x")], nature: .bounce),
            Case(headers: [("Content-Type", "Message/Delivery-Status")], nature: .bounce),
            Case(headers: [("X-Failed-Recipients", "bob@example.com")], nature: .bounce),
            Case(from: "MAILER-DAEMON@mx.example.com", nature: .bounce),
            Case(headers: [("Return-Path", "<>")], subject: "Undeliverable: Your order", nature: .bounce),
            Case(subject: "系统退信", from: "postmaster@qq.example", nature: .bounce),
            Case(subject: "Delivery failure", from: "", nature: .bounce),

            Case(headers: [("Content-Type", "multipart/report; report-type=feedback-report")], nature: .complaint),

            Case(headers: [("List-Id", "<news.example.com>")], nature: .list),
            Case(headers: [("List-Unsubscribe", "<https://example.com/u>")], nature: .list),
            Case(headers: [("Precedence", "Bulk")], nature: .list),
            Case(headers: [("X-Precedence", "junk")], nature: .list),

            Case(headers: [("X-Hongyan-Loop", "our-mark")], nature: .ownLoop),
            Case(headers: [("X-Hongyan-Loop", "of another instance")], nature: .human),
            Case(from: "Support@Shop.example", nature: .ownLoop),
        ])
    func judges(_ want: Case) {
        let judgement = Self.rule.judge(Self.mail(want.headers, subject: want.subject, from: want.from))
        #expect(judgement.nature == want.nature, "\(judgement.reason)")
    }

    @Test func `our signed Message-ID and the parser's report are believed first`() {
        var own = Self.mail([("Auto-Submitted", "auto-generated")])
        own.messageID = "h.s.abc.def@shop.example"
        #expect(Self.rule.judge(own).nature == .ownLoop)
        var bounce = Self.mail([("Auto-Submitted", "auto-replied")])
        bounce.report = .deliveryStatus
        #expect(Self.rule.judge(bounce).nature == .bounce)
        bounce.report = .feedback
        #expect(Self.rule.judge(bounce).nature == .complaint)
    }

    @Test(
        "the reason names what was seen",
        arguments: [
            ([], "a person wrote it: nothing in the header speaks of a machine"),
            ([("x-autorespond", "1")], "an automatic reply: X-Autorespond is set"),
            ([("precedence", "Bulk")], "a mailing: Precedence is bulk"),
        ] as [([(String, String)], String)])
    func explains(_ headers: [(String, String)], _ says: String) { #expect(Self.rule.judge(Self.mail(headers)).reason == says) }
}
