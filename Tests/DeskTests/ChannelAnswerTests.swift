import Domain
import Store
import Testing

@testable import Desk

/// Answers that go back over the channel the customer wrote by.
struct ChannelAnswerTests {
    private static func office(_ channel: ChannelAnswers, _ body: (Office, ID<Ticket>) async throws -> Void) async throws {
        try await Office.with(settings: { $0.channels["chat"] = channel }) { office in
            let ticket = try await post(office, "hello", at: office.time.now())
            try await body(office, ticket)
        }
    }

    /// A customer without an address writes over the account `chat`.
    private static func post(_ office: Office, _ text: String, at: Timestamp) async throws -> ID<Ticket> {
        try await office.store.write { transaction in
            var message = Interaction(
                id: transaction.newID(), account: "chat", externalID: "m/\(text)", kind: .post, occurredAt: at, receivedAt: at,
                author: Interaction.Author(name: "Zoe"), subject: text, body: text)
            message.author.handle = "zoe"
            message.author.network = "chat"
            _ = try transaction.interactions.add(message, spool: nil)
        }
        try await office.placeAll()
        return try #require(try await office.store.read { try $0.tickets.list(.all, limit: 10).first?.id })
    }

    private static func reply(_ office: Office, _ ticket: ID<Ticket>, _ draft: String, _ text: String = "an answer") async throws
        -> ReplyResult
    {
        try await office.store.write {
            try office.desk.reply($0, ticket: ticket, agent: office.agent, draft: draft, text: text, solve: false)
        }
    }

    @Test func `an answer is planned for the channel, in parts, and only once`() async throws {
        let channel = ChannelAnswers(parts: { $0.split(separator: "|").map(String.init) }, limit: 20, mayRepeat: true)
        try await Self.office(channel) { office, ticket in
            guard case .planned(let reply) = try await Self.reply(office, ticket, "draft-01", "one|two|three") else {
                Issue.record("it was not planned")
                return
            }
            let again = try await Self.reply(office, ticket, "draft-01", "one|two|three")
            #expect(again == .planned(reply))
            let sends = try await office.store.read { try $0.sends.ofTicket(ticket) }
            #expect(sends.count == 1)
            #expect(sends[0].text == "one")
            #expect(sends[0].sender == "channel:chat")
            #expect(sends[0].details.channel?.rest == ["two", "three"])
            #expect(sends[0].details.channel?.mayRepeat == true)
            let shown = try await office.store.read { try $0.interactions.get(reply.interaction) }
            #expect(shown?.body == "one|two|three")
            #expect(shown?.account == "chat")
        }
    }

    @Test func `no answer leaves after the network's time is over`() async throws {
        try await Self.office(ChannelAnswers(parts: { [$0] }, openFor: .seconds(48 * 3600))) { office, ticket in
            office.time.advance(.seconds(48 * 3600 - 1))
            guard case .planned = try await Self.reply(office, ticket, "draft-01") else {
                Issue.record("within the time")
                return
            }
            office.time.advance(.seconds(1))
            let late = try await Self.reply(office, ticket, "draft-02")
            #expect(late == .closed(account: "chat", .time(Office.start + .seconds(48 * 3600))))
        }
    }

    @Test func `no more answers than the network takes follow one message`() async throws {
        try await Self.office(ChannelAnswers(parts: { [$0] }, messagesMax: 2)) { office, ticket in
            for number in 1...2 {
                office.time.advance(.seconds(1))
                guard case .planned = try await Self.reply(office, ticket, "draft-0\(number)") else {
                    Issue.record("answer \(number) was refused")
                    return
                }
            }
            office.time.advance(.seconds(1))
            let third = try await Self.reply(office, ticket, "draft-03")
            #expect(third == .closed(account: "chat", .count(2)))
        }
    }

    @Test func `what may not be split and files are refused, and nothing is planned`() async throws {
        try await Self.office(ChannelAnswers(parts: { $0.count > 5 ? nil : [$0] }, limit: 5)) { office, ticket in
            let long = try await Self.reply(office, ticket, "draft-01", "much too long")
            #expect(long == .tooLongForChannel(limit: 5))
            let file = Attachment(name: "a.txt", type: "text/plain", sizeBytes: 1, hash: "x")
            let withFile = try await office.store.write {
                try office.desk.reply(
                    $0, ticket: ticket, agent: office.agent, draft: "draft-02", text: "ok", solve: false,
                    options: ReplyOptions(files: [file]))
            }
            #expect(withFile == .noFiles)
            let sends = try await office.store.read { try $0.sends.ofTicket(ticket) }
            #expect(sends.isEmpty)
        }
    }
}
