import Desk
import Domain
import HTTPTypes
import Hummingbird
import Logging
import Store

// Merging, splitting, taking back, and clearing a breaker: plain forms, each with its way back on the page it leads to.
extension Site {
    /// `into` takes this ticket into `other`, `take` the other way round.
    @Sendable func postMerge(_ request: Request, _ visit: Visit) async throws -> Response {
        let action = try await action(request, visit)
        let other = try Self.number(action.form["other"])
        let isTaking = action.form["direction"] == "take"
        return try await move(action) { desk, transaction, agent in
            let (this, that) = (try Self.ticket(action.number, transaction).id, try Self.ticket(other, transaction).id)
            return try desk.merge(transaction, ticket: isTaking ? that : this, into: isTaking ? this : that, agent: agent)
        }
    }

    /// `message`, `scope` (`one`, or `later` for it and all after it), `into` (a number, or nothing for a new ticket).
    @Sendable func postSplit(_ request: Request, _ visit: Visit) async throws -> Response {
        let action = try await action(request, visit)
        guard let message = action.form["message"].flatMap({ ID<Interaction>($0) }) else { throw Refusal(.badRequest, "400") }
        let wanted = (action.form["into"] ?? "").trimmed
        let other = try wanted.isEmpty ? nil : Self.number(wanted)
        let withLater = action.form["scope"] == "later"
        return try await move(action) { desk, transaction, agent in
            let source = try Self.ticket(action.number, transaction).id
            let target = try other.map { try Self.ticket($0, transaction).id }
            return try desk.split(transaction, ticket: source, message: message, withLater: withLater, into: target, agent: agent)
        }
    }

    @Sendable func postTakeBack(_ request: Request, _ visit: Visit) async throws -> Response {
        let action = try await action(request, visit)
        guard let id = action.form["move"].flatMap({ ID<TicketMove>($0) }) else { throw Refusal(.badRequest, "400") }
        return try await move(action) { desk, transaction, agent in try desk.takeBack(transaction, move: id, agent: agent) }
    }

    @Sendable func postClearBreaker(_ request: Request, _ visit: Visit) async throws -> Response {
        let (session, form) = try await agentForm(request, visit)
        let address = form["address"] ?? ""
        let isDone = try await store.write { try $0.loops.clear(address) }
        if isDone { logger.notice("A breaker was cleared.", metadata: ["address": "\(address)", "agent": "\(session.agent.login)"]) }
        return .seeOther("/accounts")
    }

    private func move(
        _ action: Action, _ body: @escaping @Sendable (Desk, Transaction, Agent) throws -> MoveResult
    ) async throws -> Response {
        let (desk, agent) = (desk, action.session.agent)
        let list = action.form["list"] ?? ""
        switch try await store.write({ try body(desk, $0, agent) }) {
        case .moved(_, let number), .takenBack(let number):
            return .seeOther(localPath("/tickets/\(number)\(list.hasPrefix("?") ? list : "")"))
        case .unknownTicket: throw Refusal(.notFound, "404_ticket")
        case .unknownMessage, .unknownMove: throw Refusal(.conflict, "move_gone")
        case .sameTicket: throw Refusal(.conflict, "move_same")
        case .isMerged: throw Refusal(.conflict, "move_merged")
        case .nothingLeft: throw Refusal(.conflict, "move_all")
        case .tooMany: throw Refusal(.conflict, "move_many")
        }
    }

    /// `1042` or `#1042`.
    private static func number(_ text: String?) throws(Refusal) -> Int64 {
        let digits = (text ?? "").trimmed.drop { $0 == "#" }
        guard let number = Int64(digits) else { throw Refusal(.notFound, "404_ticket") }
        return number
    }
}

extension Scene {
    /// What moved from or to this ticket, each with its way back.
    func moves(_ whole: Conversation) -> [Model] {
        whole.moves.map { line in
            let isMerge = line.move.kind == .merge
            let key = isMerge ? "moved_merge" : line.move.to == whole.ticket.id ? "moved_here" : "moved_away"
            let text = words.fill(key, ["n": "\(line.move.messages.count)", "number": "\(line.other)"])
            return ["id": line.move.id.description, "text": text, "href": isMerge ? "" : "/tickets/\(line.other)", "isLink": !isMerge]
                as Model
        }
    }
}
