import Desk
import Domain
import Hummingbird
import Store

// The inbox: views | tickets | conversation and customer. One look makes the whole page, or the fragment for a live update.
extension Site {
    @Sendable func inbox(_ request: Request, _ visit: Visit) async throws -> Response {
        try await inbox(request, visit, number: nil)
    }

    @Sendable func ticketPage(_ request: Request, _ visit: Visit) async throws -> Response {
        guard let number = visit.parameters.get("number").flatMap({ Int64($0) }) else { throw Refusal(.notFound, "404_ticket") }
        return try await inbox(request, visit, number: number)
    }

    private func inbox(_ request: Request, _ visit: Visit, number: Int64?) async throws -> Response {
        let agent = try visit.agentSession().agent
        let query = InboxQuery(request)
        let data = try await store.read { try InboxData.read($0, query, agent: agent.id, ticket: number) }
        guard number == nil || data.conversation != nil else { throw Refusal(.notFound, "404_ticket") }
        // A merged ticket's number leads to the one that took it in.
        if let leading = data.leading { return .seeOther("/tickets/\(leading)" + (request.uri.query.map { "?\($0)" } ?? "")) }
        let scene = Scene(words: words(visit), now: store.time.now(), agent: agent, query: query, data: data, desk: desk)
        switch request.query("fragment") {
        case "list": return fragment("panes", visit, scene.panes())
        case "conversation": return fragment("conversation", visit, scene.panes().merging(scene.conversation()) { first, _ in first })
        default:
            var model = scene.panes().merging(scene.conversation()) { first, _ in first }
            model["isInbox"] = true
            let title = data.conversation.map { "#\($0.ticket.number) \($0.ticket.subject)" } ?? data.view.title(scene.words)
            return page("inbox", visit, title: title, model)
        }
    }
}

/// Turns one look at the inbox into what its templates show.
struct Scene {
    let words: Vocabulary
    let now: Timestamp
    let agent: Agent
    let query: InboxQuery
    let data: InboxData
    let desk: Desk

    var time: TimeText { TimeText(words: words, now: now) }
    var open: Ticket? { data.conversation?.ticket }

    /// The views and the list.
    func panes() -> Model {
        let address = query.address(view: data.view)
        var model: Model = [
            "view": data.view.name, "viewTitle": query.search.map { words.fill("search_title", ["q": $0]) } ?? data.view.title(words),
            "address": address, "position": "\(data.position)", "isSearch": query.search != nil,
            "isAutomatic": data.view == .automatic && query.search == nil, "hasOpen": data.conversation != nil,
        ]
        model["search"] = query.search ?? ""
        if let count = count() { model["viewCount"] = "\(count)" }
        model["navMain"] = [entry(.mine, data.counts.mine), entry(.unassigned, data.counts.unassigned), entry(.open, data.counts.open)]
        model["navCare"] = [entry(.low, data.counts.lowMood, dot: "bad")]
        model["navQueues"] = data.queues.map { entry(.queue($0.name), $0.open) }
        model["navDone"] = [
            entry(.solved, data.counts.byStatus[.solved]), entry(.closed, data.counts.byStatus[.closed]), entry(.automatic, nil),
        ]
        model["hasQueues"] = !data.queues.isEmpty
        if data.quarantined > 0 { model["quarantined"] = "\(data.quarantined)" }
        if data.failing + data.breakers > 0 { model["failing"] = "\(data.failing + data.breakers)" }
        model["items"] = data.tickets.map(item)
        model["automatic"] = data.unfiled.map(automaticItem)
        model["isEmpty"] = data.tickets.isEmpty && data.unfiled.isEmpty
        let isSearch = query.search != nil
        model["emptyText"] = words[isSearch ? "empty_search" : emptyKey]
        if data.hasMore, let last = data.tickets.last { model["older"] = "/\(address)&before=\(last.updatedAt.microseconds)" }
        if query.before != nil { model["newest"] = "/\(address)" }
        return model
    }

    private var emptyKey: String {
        switch data.view {
        case .mine: "empty_mine"
        case .automatic: "empty_automatic"
        case .unassigned, .open, .low, .queue: "empty_open"
        case .solved, .closed: "empty_done"
        }
    }

    private func count() -> Int64? {
        if query.search != nil { return Int64(data.tickets.count) }
        switch data.view {
        case .mine: return data.counts.mine
        case .unassigned: return data.counts.unassigned
        case .open: return data.counts.open
        case .low: return data.counts.lowMood
        case .queue(let name): return data.queues.first { $0.name == name }?.open
        case .solved: return data.counts.byStatus[.solved]
        case .closed: return data.counts.byStatus[.closed]
        case .automatic: return nil
        }
    }

    private func entry(_ view: InboxView, _ count: Int64?, dot: String? = nil) -> Model {
        var model: Model = [
            "href": "/?view=\(percentEncoded(view.name))", "text": view.title(words), "isCurrent": view == data.view && query.search == nil,
        ]
        if let count, count > 0 { model["count"] = "\(count)" }
        if let dot { model["dot"] = dot }
        return model
    }

    private func item(_ ticket: Ticket) -> Model {
        var chips: [Model] = []
        if ticket.status != .open { chips.append(["text": words["status_\(ticket.status.rawValue)"], "tone": statusTone(ticket.status)]) }
        if ticket.priority == .high || ticket.priority == .urgent {
            chips.append(["text": words["priority_\(ticket.priority.rawValue)"], "tone": ticket.priority == .urgent ? "bad" : "warn"])
        }
        chips.append(["text": words["kind_\(ticket.kind.rawValue)"], "tone": ""])
        chips.append(["text": ticket.queue, "tone": ""])
        if let assignee = ticket.assignee, assignee != agent.id, let name = data.agents.first(where: { $0.id == assignee })?.name {
            chips.append(["text": name, "tone": "person"])
        }
        let tone = Mood.tone(ticket.lastMood)
        var model: Model = [
            "id": ticket.id.description, "number": "\(ticket.number)", "href": "/tickets/\(ticket.number)\(query.address(view: data.view))",
            "who": ticket.customerName.isEmpty ? "?" : ticket.customerName, "subject": subject(ticket.subject), "snippet": ticket.snippet,
            "chips": chips, "isOpen": ticket.id == open?.id, "mood": tone, "isNew": ticket.status == .new,
        ]
        model["when"] = time.model(ticket.updatedAt)
        if let mood = ticket.lastMood, tone != "calm" { model["moodText"] = words.fill("mood_is", ["n": Mood.written(mood)]) }
        return model
    }

    private func automaticItem(_ message: Interaction) -> Model {
        var model: Model = [
            "id": message.id.description, "href": "/messages/\(message.id)", "who": message.author.displayName,
            "subject": subject(message.subject), "snippet": String(message.words.prefix(160)),
            "nature": words["nature_\(message.nature.rawValue)"], "account": message.account,
        ]
        model["when"] = time.model(message.occurredAt)
        return model
    }

    func subject(_ text: String) -> String { text.trimmed.isEmpty ? words["no_subject"] : text }

    func statusTone(_ status: Ticket.Status) -> String {
        switch status {
        case .new: "accent"
        case .open: ""
        case .pending: "warn"
        case .solved, .closed: "good"
        }
    }
}
