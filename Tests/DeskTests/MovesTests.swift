import Domain
import Store
import Testing

@testable import Desk

@Suite(.timeLimit(.minutes(10))) struct MovesTests {
    private func merge(_ office: Office, _ number: Int64, into other: Int64) async throws -> MoveResult {
        let (desk, agent) = (office.desk, office.agent)
        return try await office.store.write { transaction in
            guard let a = try transaction.tickets.get(number: number), let b = try transaction.tickets.get(number: other) else {
                return .unknownTicket
            }
            return try desk.merge(transaction, ticket: a.id, into: b.id, agent: agent)
        }
    }

    private func unmerge(_ office: Office, _ number: Int64) async throws -> MoveResult {
        let (desk, agent) = (office.desk, office.agent)
        return try await office.store.write { transaction in
            guard let ticket = try transaction.tickets.get(number: number) else { return .unknownTicket }
            return try desk.unmerge(transaction, ticket: ticket.id, agent: agent)
        }
    }

    private func split(_ office: Office, _ key: String, later: Bool = false, into other: Int64? = nil) async throws -> MoveResult {
        let (desk, agent) = (office.desk, office.agent)
        guard let message = try await office.stored(key), let ticket = message.ticket else { return .unknownMessage }
        return try await office.store.write { transaction in
            let target = try other.flatMap { try transaction.tickets.get(number: $0)?.id }
            return try desk.split(transaction, ticket: ticket, message: message.id, withLater: later, into: target, agent: agent)
        }
    }

    private func takeBack(_ office: Office, _ result: MoveResult) async throws -> MoveResult {
        guard case .moved(let id, _) = result else { return result }
        let (desk, agent) = (office.desk, office.agent)
        return try await office.store.write { try desk.takeBack($0, move: id, agent: agent) }
    }

    private func number(_ result: MoveResult) -> Int64? { if case .moved(_, let number) = result { number } else { nil } }

    @Test("a merged ticket's number leads to the other one, answers to it join there, and unmerging brings all of that back")
    func merging() async throws {
        try await Office.with(everywhere: true) { office in
            try await office.deliver([Mail(key: "a"), Mail(key: "b", from: "bob@two.example", subject: "Chair", body: "angry")])
            try await office.placeAll()
            let reply = try #require(try await office.reply(1002, draft: "d1").reply)
            let own = try #require(try await office.store.read { try $0.sends.get(reply.send)?.messageID })
            let before = try await office.ticket(1002)
            #expect(number(try await merge(office, 1002, into: 1001)) == 1001)
            let merged = try #require(try await office.ticket(1002))
            let leading = try #require(try await office.ticket(1001))
            #expect(merged.mergedInto == leading.id)
            #expect(merged.status == .closed)
            #expect(merged.messageCount == 0)
            #expect(leading.messageCount == 3)
            #expect(leading.lowestMood == -0.8)
            #expect(try await office.store.read { try $0.tickets.list(.all, limit: 10).map(\.number) } == [1001])
            #expect(try await office.store.read { try $0.tickets.counts(agent: nil) }.all == 1)

            try await office.deliver(
                [
                    Mail(key: "c", from: "bob@two.example", subject: "Re: Chair", inReplyTo: ["own:d1"]),
                    Mail(key: "d", from: "bob@two.example", subject: "x", references: ["b"]),
                    Mail(key: "e", from: "bob@two.example", subject: "still #1002"), Mail(key: "f", subject: "y", inReplyTo: ["a"]),
                ], ids: ["own:d1": own])
            try await office.placeAll()
            for key in ["c", "d", "e", "f"] { #expect(try await office.ticketNumber(of: key) == 1001, "\(key)") }
            let why = try await office.reasons(.interaction, try #require(try await office.stored("d")).id.rawValue)
            #expect(why.contains("thread: joined #1001: References <b@mail> is known in support; #1002 was merged into it"), "\(why)")

            #expect(try await merge(office, 1002, into: 1001) == .isMerged(into: 1001))
            #expect(try await unmerge(office, 1002) == .takenBack(number: 1002))
            for key in ["b", "c", "d", "e"] { #expect(try await office.ticketNumber(of: key) == 1002, "\(key)") }
            for key in ["a", "f"] { #expect(try await office.ticketNumber(of: key) == 1001, "\(key)") }
            let again = try #require(try await office.ticket(1002))
            #expect(again.mergedInto == nil)
            #expect(again.status == before?.status)
            #expect(again.messageCount == 5)
            #expect(try await office.store.read { try $0.sends.get(reply.send)?.ticket } == again.id)
            #expect(try await office.ticket(1001)?.messageCount == 2)
            #expect(try await unmerge(office, 1002) == .unknownMove)
        }
    }

    @Test("a message that was moved takes later answers to it along, and taking it back does so too")
    func splitting() async throws {
        try await Office.with(everywhere: true) { office in
            try await office.deliver([
                Mail(key: "a", age: .seconds(30)),
                Mail(key: "b", subject: "Re: Lamp", body: "And a chair!", inReplyTo: ["a"], age: .seconds(20)),
                Mail(key: "c", subject: "Re: Lamp", inReplyTo: ["b"], age: .seconds(10)),
            ])
            try await office.placeAll()
            let result = try await split(office, "b")
            #expect(number(result) == 1002)
            let made = try #require(try await office.ticket(1002))
            #expect(made.subject == "Re: Lamp")
            #expect(made.snippet == "And a chair!")
            #expect(made.messageCount == 1)
            #expect(made.queue == "Support")
            #expect(try await office.ticketNumber(of: "c") == 1001)
            #expect(try await office.ticket(1001)?.messageCount == 2)
            try await office.deliver([Mail(key: "d", subject: "x", inReplyTo: ["b"], references: ["a", "b"])])
            try await office.placeAll()
            #expect(try await office.ticketNumber(of: "d") == 1002)

            #expect(try await takeBack(office, result) == .takenBack(number: 1001))
            #expect(try await office.ticketNumber(of: "b") == 1001)
            #expect(try await office.ticketNumber(of: "d") == 1002)
            try await office.deliver([Mail(key: "e", subject: "y", inReplyTo: ["b"])])
            try await office.placeAll()
            #expect(try await office.ticketNumber(of: "e") == 1001)
            #expect(try await takeBack(office, result) == .unknownMove)
        }
    }

    @Test("a message and all that came after it go to another ticket; an empty new ticket leads back")
    func splittingAll() async throws {
        try await Office.with(everywhere: true) { office in
            try await office.deliver([
                Mail(key: "a", age: .seconds(30)), Mail(key: "b", inReplyTo: ["a"], age: .seconds(20)),
                Mail(key: "c", inReplyTo: ["a"], age: .seconds(10)), Mail(key: "x", from: "bob@two.example", subject: "Chair"),
            ])
            try await office.placeAll()
            #expect(number(try await split(office, "b", later: true, into: 1002)) == 1002)
            #expect(try await office.ticketNumber(of: "c") == 1002)
            #expect(try await office.ticket(1002)?.messageCount == 3)
            #expect(try await split(office, "a") == .nothingLeft)
            #expect(try await split(office, "c", into: 1002) == .sameTicket)
            let fresh = try await split(office, "c")
            #expect(number(fresh) == 1003)
            #expect(try await takeBack(office, fresh) == .takenBack(number: 1002))
            let empty = try #require(try await office.ticket(1003))
            #expect(try await office.store.read { try $0.moves.leading(empty.id)?.number } == 1002)
            #expect(try await merge(office, 1001, into: 1001) == .sameTicket)
            #expect(try await merge(office, 1001, into: 1003) == .isMerged(into: 1002))
        }
    }
}
