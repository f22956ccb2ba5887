import Domain
import Store
import Testing

@testable import Desk

/// What an answer carries beside its words, and the mail that ends a subscription.
@Suite(.timeLimit(.minutes(10))) struct AnswerExtrasTests {
    private func answer(_ office: Office, _ options: ReplyOptions, draft: String = "d1") async throws -> ReplyResult {
        let (desk, agent) = (office.desk, office.agent)
        return try await office.store.write { transaction in
            let ticket = try transaction.tickets.get(number: 1001)
            return try desk.reply(
                transaction, ticket: ticket?.id ?? ID(0), agent: agent, draft: draft, text: "Here.", solve: false, options: options)
        }
    }

    private func sends(_ office: Office) async throws -> [Send] {
        try await office.store.read { transaction in
            try transaction.sends.ofTicket(transaction.tickets.get(number: 1001)?.id ?? ID(0))
        }
    }

    @Test func `an answer to all is one mail with a row for each, and none for us`() async throws {
        try await Office.with(everywhere: true) { office in
            let to = [
                "help@shop.example", "help+tag@shop.example", "care@shop.example", "bo@example.com", "CY@example.com", "ann@example.com",
            ]
            try await office.deliver([Mail(key: "a", to: to)])
            try await office.placeAll()
            let reply = try #require(try await answer(office, ReplyOptions(toAll: true)).reply)
            let rows = try await sends(office)
            #expect(rows.map(\.recipient).sorted() == ["ann@example.com", "bo@example.com", "cy@example.com"])
            #expect(Set(rows.map(\.messageID)).count == 1)
            #expect(Set(rows.map(\.key)).count == 3)
            #expect(rows.allSatisfy { $0.details.cc == ["bo@example.com", "cy@example.com"] })
            #expect(rows.filter { $0.recipient != "ann@example.com" }.allSatisfy { $0.details.to == ["ann@example.com"] })
            #expect(rows.compactMap(\.interaction) == [reply.interaction])
            let shown = try await office.store.read { try $0.interactions.get(reply.interaction) }
            #expect(shown?.recipients == ["ann@example.com", "bo@example.com", "cy@example.com"])
            // The same draft again plans nothing more.
            #expect(try await answer(office, ReplyOptions(toAll: true)).reply == reply)
            #expect(try await sends(office).count == 3)
        }
    }

    @Test func `an answer goes to its writer alone unless asked otherwise`() async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a", to: ["help@shop.example", "bo@example.com"])])
            try await office.placeAll()
            _ = try await answer(office, ReplyOptions())
            #expect(try await sends(office).map(\.recipient) == ["ann@example.com"])
        }
    }

    @Test(
        "the operator's choice of quoting holds unless the agent says otherwise",
        arguments: [
            (false, nil, false), (true, nil, true), (true, false, false), (false, true, true),
        ] as [(Bool, Bool?, Bool)])
    func quotes(house: Bool, agent: Bool?, isQuoted: Bool) async throws {
        try await Office.with { office in
            var settings = office.desk.settings
            settings.replies.quotes = house
            office.desk.reload(settings)
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            _ = try await answer(office, ReplyOptions(quotes: agent))
            let asked = try await office.stored("a")?.id
            #expect(try await sends(office).first?.details.quotes == (isQuoted ? asked : nil))
        }
    }

    @Test func `files stand in the conversation and in the ledger, up to the limit`() async throws {
        try await Office.with(everywhere: true) { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            let file = Attachment(name: "发票.pdf", type: "application/pdf", sizeBytes: 10, hash: String(repeating: "a", count: 64))
            let reply = try #require(try await answer(office, ReplyOptions(files: [file])).reply)
            #expect(try await office.store.read { try $0.interactions.get(reply.interaction)?.attachments } == [file])
            #expect(try await sends(office).first?.details.files == [file])
            var large = file
            large.sizeBytes = office.desk.settings.replies.filesBytesMax + 1
            #expect(try await answer(office, ReplyOptions(files: [large]), draft: "d2") == .filesTooLarge)
            let many = ReplyOptions(files: Array(repeating: file, count: Desk.filesMax + 1))
            #expect(try await answer(office, many, draft: "d3") == .filesTooLarge)
            #expect(try await sends(office).count == 1)
        }
    }

    // MARK: Unsubscribing by mail

    @Test func `a mail with our token unsubscribes, whoever sent it, and opens no ticket`() async throws {
        try await Office.with(everywhere: true) { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            let customer = try #require(try await office.ticket(1001)?.customer)
            let token = office.store.signer.token(UnsubscribeMail.tokenKind, ["\(customer)", "tips", "7"])
            try await office.deliver([Mail(key: "u", from: "program@elsewhere.example", subject: "unsubscribe \(token)", body: "")])
            try await office.placeAll()
            let (tips, other) = try await office.store.read {
                (try $0.subscriptions.isSubscribed(customer, topic: "tips"), try $0.subscriptions.isSubscribed(customer, topic: "news"))
            }
            #expect(!tips && other)
            let mail = try #require(try await office.stored("u"))
            #expect(mail.ticket == nil && mail.customer == customer)
            #expect(try await office.ticket(1002) == nil)
            #expect(
                try await office.reasons(.interaction, mail.id.rawValue)
                    == ["unsubscribe: no ticket: it only unsubscribes from tips, by the signed token in its subject"])
            #expect(try await office.events().contains(.customerUnsubscribed))
        }
    }

    @Test(
        "without our token it is a customer's mail",
        arguments: ["unsubscribe", "unsubscribe me please", "unsubscribe AAAA", "Please unsubscribe"])
    func noToken(subject: String) async throws {
        try await Office.with { office in
            try await office.deliver([Mail(key: "a", subject: subject)])
            try await office.placeAll()
            #expect(try await office.ticket(1001)?.subject == subject)
            let customer = try #require(try await office.ticket(1001)?.customer)
            #expect(try await office.store.read { try $0.subscriptions.isSubscribed(customer, topic: "tips") })
        }
    }

    @Test(
        "a token is found in what mail programs make of the subject",
        arguments: [
            ("unsubscribe abc", "abc"), ("Unsubscribe abc", "abc"), ("Re: unsubscribe abc", "abc"), ("unsubscribe ab\r\n c", "abc"),
            ("unsubscribe", nil), ("", nil), ("how do I unsubscribe from this abc", nil),
        ])
    func subjects(subject: String, token: String?) { #expect(UnsubscribeMail.token(in: subject) == token) }
}
