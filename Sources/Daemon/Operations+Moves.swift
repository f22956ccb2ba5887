import Desk
import Domain
import Rules
import Store

// Tickets that merge and split, and breakers, by command.
extension Operations {
    public static func mergeTicket(_ text: String, into other: String, agent: String?, configuration: String) async throws -> String {
        let (number, target) = (try ticketNumber(text), try ticketNumber(other))
        return try await move(configuration, agent) { desk, tx, agent in
            try desk.merge(tx, ticket: try ticket(number, tx).id, into: try ticket(target, tx).id, agent: agent)
        }
    }

    public static func unmergeTicket(_ text: String, agent: String?, configuration: String) async throws -> String {
        let number = try ticketNumber(text)
        return try await move(configuration, agent) { desk, tx, agent in
            try desk.unmerge(tx, ticket: try ticket(number, tx).id, agent: agent)
        }
    }

    /// - Parameters:
    ///   - message: its place in the list of `showTicket`, from 1.
    ///   - other: nil opens a new ticket.
    public static func splitTicket(
        _ text: String, message: Int, withLater: Bool, into other: String?, agent: String?, configuration: String
    ) async throws -> String {
        let number = try ticketNumber(text)
        let target = try other.map(ticketNumber)
        return try await move(configuration, agent) { desk, tx, agent in
            let source = try ticket(number, tx)
            let messages = try tx.moves.messages(of: source.id, limit: TicketMoves.messagesMax)
            guard messages.indices.contains(message - 1) else {
                throw CommandError("#\(number) has no message \(message); `hongyan ticket show \(number)` numbers them")
            }
            return try desk.split(
                tx, ticket: source.id, message: messages[message - 1], withLater: withLater, into: try target.map { try ticket($0, tx).id },
                agent: agent)
        }
    }

    /// The messages of a ticket with the numbers that `splitTicket` takes, and what moved.
    public static func showTicket(_ text: String, configuration: String) async throws -> String {
        let number = try ticketNumber(text)
        return try await withStore(configuration) { store in
            try await store.read { tx in
                let ticket = try ticket(number, tx)
                var lines = ["#\(ticket.number) \(ticket.subject)", "\(ticket.status.rawValue), queue \(ticket.queue)"]
                if let other = ticket.mergedInto, let leading = try tx.tickets.get(other) { lines.append("merged into #\(leading.number)") }
                lines.append("")
                for (index, message) in try tx.interactions.ofTicket(ticket.id, limit: TicketMoves.messagesMax).enumerated() {
                    let what = "\(message.direction.rawValue)  \(message.author.displayName): \(message.subject)"
                    lines.append("\(index + 1)  \(message.occurredAt)  \(what)")
                }
                for move in try tx.moves.of(ticket.id) {
                    let from = try tx.tickets.get(move.from)?.number ?? 0
                    let to = try tx.tickets.get(move.to)?.number ?? 0
                    lines.append(
                        "\(move.at)  \(move.kind.rawValue) of \(move.messages.count) messages, #\(from) → #\(to), by \(move.agent)")
                }
                return lines.joined(separator: "\n")
            }
        }
    }

    public static func breakers(configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            let open = try await store.read { try $0.loops.breakers() }
            guard !open.isEmpty else { return "No breaker is open: automatic mail may go to everybody." }
            return open.map { "\($0.address)  since \($0.trippedAt), until \($0.until)\n    \($0.reason)" }.joined(separator: "\n")
                + "\n\nhongyan breaker clear ADDRESS"
        }
    }

    public static func clearBreaker(_ address: String, configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            guard try await store.write({ try $0.loops.clear(address) }) else {
                throw CommandError("no breaker is open for \(address); `hongyan breaker list` shows them")
            }
            return "Automatic mail may go to \(address.lowercased()) again."
        }
    }

    private static func move(
        _ configuration: String, _ login: String?, _ body: @escaping @Sendable (Desk, Transaction, Agent) throws -> MoveResult
    ) async throws -> String {
        let settings = try Settings.load(configuration, needsSecrets: false)
        return try await withStore(configuration) { store in
            let desk = Desk(store: store, settings: settings.desk(RoutingRules()))
            let result = try await store.write { tx in try body(desk, tx, try author(login, tx)) }
            switch result {
            case .moved(_, let number): return "The messages are in #\(number) now."
            case .takenBack(let number): return "Taken back: the messages are in #\(number) again."
            case .unknownTicket: throw CommandError("there is no such ticket")
            case .unknownMessage: throw CommandError("the ticket has no such message; `hongyan ticket show` numbers them")
            case .sameTicket: throw CommandError("these are one and the same ticket; name two")
            case .isMerged(let number):
                throw CommandError("one of them was merged into #\(number); use that number, or take that merge back first")
            case .nothingLeft: throw CommandError("nothing would be left of the ticket; merge it instead")
            case .tooMany: throw CommandError("the ticket has more than \(TicketMoves.messagesMax) messages, which are not moved at once")
            case .unknownMove: throw CommandError("there is nothing to take back: the ticket was not merged")
            }
        }
    }

    private static func ticket(_ number: Int64, _ tx: Transaction) throws -> Ticket {
        guard let ticket = try tx.tickets.get(number: number) else { throw CommandError("there is no ticket #\(number)") }
        return ticket
    }
}
