import Desk
import Domain
import HTTPTypes
import Hummingbird
import Logging
import Store

// What agents do. Each action is one transaction in `Desk`; the page comes back by redirect, or as a fragment for the script.
extension Site {
    struct Action: Sendable {
        var session: Visit.Session
        var form: Fields
        var number: Int64
    }

    func action(_ request: Request, _ visit: Visit, sizeBytesMax: Int = Site.formBytesMax) async throws -> Action {
        let (session, form) = try await agentForm(request, visit, sizeBytesMax: sizeBytesMax)
        guard let number = visit.parameters.get("number").flatMap({ Int64($0) }) else { throw Refusal(.notFound, "404_ticket") }
        return Action(session: session, form: form, number: number)
    }

    /// Back to the ticket in the same list; a script gets 204 and refreshes what it shows.
    func finished(_ action: Action, _ request: Request) -> Response {
        if let name = HTTPField.Name("X-CSRF-Token"), request.headers[name] != nil { return Response(status: .noContent) }
        let list = action.form["list"] ?? ""
        return .seeOther(localPath("/tickets/\(action.number)\(list.hasPrefix("?") ? list : "")"))
    }

    /// The reply box's buttons: `send`, and `solve` for send and solve. The draft's id makes a second post of the same answer harmless.
    @Sendable func postReply(_ request: Request, _ visit: Visit) async throws -> Response {
        let action = try await action(request, visit, sizeBytesMax: desk.settings.replies.filesBytesMax + Self.formBytesMax)
        let (text, draft) = try answer(action)
        let options = try await options(action)
        let (desk, agent, isSolving) = (desk, action.session.agent, action.form["do"] == "solve")
        let result = try await store.write { transaction in
            let ticket = try Self.ticket(action.number, transaction)
            return try desk.reply(
                transaction, ticket: ticket.id, agent: agent, draft: draft, text: text, solve: isSolving, options: options)
        }
        switch result {
        case .planned: return finished(action, request)
        case .unknownTicket: throw Refusal(.notFound, "404_ticket")
        case .noAddress: throw Refusal(.unprocessableContent, "no_address")
        case .closed: throw Refusal(.unprocessableContent, "channel_closed")
        case .noFiles: throw Refusal(.unprocessableContent, "no_files")
        case .tooLongForChannel: throw Refusal(.unprocessableContent, "channel_length")
        case .empty: throw Refusal(.unprocessableContent, "empty_answer")
        case .tooLong: throw Refusal(.contentTooLarge, "413")
        case .filesTooLarge: throw Refusal(.contentTooLarge, "files")
        }
    }

    /// Quotation, copies and files. The form says that it shows the boxes, because a box that is not ticked is not sent.
    private func options(_ action: Action) async throws -> ReplyOptions {
        var options = ReplyOptions()
        if action.form["boxes"] == "1" { options.quotes = action.form["quote"] == "1" }
        options.toAll = action.form["all"] == "1"
        let files = action.form.files.filter { $0.field == "files" }
        guard files.count <= Desk.filesMax, files.reduce(0, { $0 + $1.bytes.count }) <= desk.settings.replies.filesBytesMax else {
            throw Refusal(.contentTooLarge, "files")
        }
        for file in files {  // durable before the row that names them
            let hash = try await store.blobs.put(file.bytes)
            options.files.append(Attachment(name: file.name, type: file.type.lowercased(), sizeBytes: file.bytes.count, hash: hash))
        }
        return options
    }

    @Sendable func postNote(_ request: Request, _ visit: Visit) async throws -> Response {
        let action = try await action(request, visit)
        let (text, draft) = try answer(action)
        return try await change(action, request) { desk, transaction, ticket in
            try desk.note(transaction, ticket: ticket, agent: action.session.agent, draft: draft, text: text)
        }
    }

    @Sendable func postStatus(_ request: Request, _ visit: Visit) async throws -> Response {
        let action = try await action(request, visit)
        guard let status = action.form["status"].flatMap(Ticket.Status.init(rawValue:)) else { throw Refusal(.badRequest, "400") }
        return try await change(action, request) { desk, transaction, ticket in
            try desk.setStatus(transaction, ticket: ticket, agent: action.session.agent, to: status)
        }
    }

    /// `agent` is an id, `me`, or empty for nobody.
    @Sendable func postAssign(_ request: Request, _ visit: Visit) async throws -> Response {
        let action = try await action(request, visit)
        let wanted = action.form["agent"] ?? ""
        let assignee = wanted == "me" ? action.session.agent.id : ID<Agent>(wanted)
        guard assignee != nil || wanted.isEmpty else { throw Refusal(.badRequest, "400") }
        return try await change(action, request) { desk, transaction, ticket in
            try desk.assign(transaction, ticket: ticket, agent: action.session.agent, to: assignee)
        }
    }

    private func answer(_ action: Action) throws(Refusal) -> (text: String, draft: String) {
        let draft = action.form["draft"] ?? ""
        let isPlain = draft.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
        guard isPlain, (8...64).contains(draft.utf8.count) else { throw Refusal(.badRequest, "400") }
        return ((action.form["text"] ?? "").replacing("\r\n", with: "\n").trimmedNewlines, draft)
    }

    private func change(
        _ action: Action, _ request: Request, _ body: @escaping @Sendable (Desk, Transaction, ID<Ticket>) throws -> ChangeResult
    ) async throws -> Response {
        let desk = desk
        let result = try await store.write { transaction in
            try body(desk, transaction, try Self.ticket(action.number, transaction).id)
        }
        switch result {
        case .changed, .unchanged: return finished(action, request)
        case .unknownTicket: throw Refusal(.notFound, "404_ticket")
        case .unknownAgent: throw Refusal(.badRequest, "400")
        case .empty: throw Refusal(.unprocessableContent, "empty_answer")
        case .tooLong: throw Refusal(.contentTooLarge, "413")
        }
    }

    static func ticket(_ number: Int64, _ transaction: Transaction) throws -> Ticket {
        guard let ticket = try transaction.tickets.get(number: number) else { throw Refusal(.notFound, "404_ticket") }
        return ticket
    }
}
