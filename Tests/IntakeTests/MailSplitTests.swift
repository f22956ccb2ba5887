import Domain
import Store
import Testing

@testable import Intake

@Suite(.timeLimit(.minutes(10))) struct MailSplitTests {
    private func digested(_ mail: String) async throws -> (Interaction, [Reason]) {
        var found: (Interaction, [Reason])?
        try await House.with { house in
            try await house.spool("box", House.mail("INBOX/7/1", mail))
            try await house.drain(house.digest())
            let message = try #require(try await house.interactions().first)
            found = (message, try await house.store.read { try $0.reasons.about(.interaction, message.id.rawValue) })
        }
        return try #require(found)
    }

    private static let head = "From: ann@example.org\nTo: care@shop.example\nMessage-ID: <m1@example.org>\nSubject: Re: Lamp\n"

    @Test func `the history and the signature of a mail are set apart, and why is written down`() async throws {
        let (mail, reasons) = try await digested(
            Self.head
                + """
                \nIt broke again.\n\nKind regards,\nAnn Lee\n\nOn 3 Jun 2024, at 10:00, Care <care@shop.example> wrote:\n> Is i\
                t well?\n> Tell us.\n
                """
        )
        #expect(mail.newWords == "It broke again.")
        #expect(mail.signature == "Kind regards,\nAnn Lee")
        #expect(mail.words == "It broke again.")
        #expect(mail.body.contains("> Is it well?"))
        #expect(reasons.map(\.decision) == ["nature", "cut"])
        #expect(
            reasons.last?.text
                == "set apart 3 quoted lines and 2 lines of signature: "
                + "line 6: “On 3 Jun 2024, at 10:00, Care <care@shop.example> wrote:” opens what is quoted; "
                + "line 3: “Kind regards,” closes the letter")
    }

    @Test func `a mail that is only HTML is taken apart by its elements`() async throws {
        let (mail, _) = try await digested(
            Self.head + "Content-Type: text/html; charset=utf-8\n\n<p>坏了。</p><div class=\"yahoo_quoted\">还好吗？</div>\n")
        #expect(mail.newWords == "坏了。")
        #expect(mail.signature == nil)
        #expect(mail.body.contains("还好吗？"))
    }

    @Test(
        "what has nothing to set apart stays whole",
        arguments: [
            head + "\nIt broke.\n", head + "\n> only\n> quoted\n",
            head.replacing("Re: Lamp", with: "Fwd: Lamp")
                + "\nSee below.\n\nFrom: Bob <bob@example.org>\nSent: Monday\nTo: Ann\nSubject: Lamp\n\nOld.\n",
        ])
    func whole(mail: String) async throws {
        let (message, reasons) = try await digested(mail)
        #expect(message.newWords == nil)
        #expect(message.signature == nil)
        #expect(reasons.map(\.decision) == ["nature"])
    }

    @Test func `a bounce keeps the copy it reports on`() async throws {
        let (mail, _) = try await digested(
            "From: MAILER-DAEMON@example.org\nSubject: Undelivered Mail Returned to Sender\nContent-Type: multipart/report; "
                + "report-type=delivery-status; boundary=x\n\n--x\nContent-Type: text/plain\n\nIt could not be delivered.\n\n"
                    + """
                    -----Original Message-----\nFrom: care@shop.example\n--x\nContent-Type: message/delivery-status\n\nAction: fail\
                    ed\n--x--\n
                    """
        )
        #expect(mail.nature == .bounce)
        #expect(mail.newWords == nil)
    }
}
