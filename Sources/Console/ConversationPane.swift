import Desk
import Domain
import Formats
import Store

// The conversation: who said what, why it stands here, and the box to answer in.
extension Scene {
    func conversation() -> Model {
        guard let whole = data.conversation else { return [:] }
        let ticket = whole.ticket
        var model: Model = [
            "ticketID": ticket.id.description, "number": "\(ticket.number)", "subject": subject(ticket.subject), "queue": ticket.queue,
            "statusTone": statusTone(ticket.status),
            "action": "/tickets/\(ticket.number)", "draft": randomHex(12),
            "list": query.address(view: data.view),
        ]
        model["agents"] = data.agents.map { other in
            ["id": other.id.description, "name": other.name, "isAssignee": other.id == ticket.assignee] as Model
        }
        model["isUnassigned"] = ticket.assignee == nil
        model["statuses"] = Ticket.Status.allCases.map { status in
            ["value": status.rawValue, "text": words["status_\(status.rawValue)"], "isCurrent": status == ticket.status] as Model
        }
        model["messages"] = whole.messages.map { message($0, in: whole) }
        model["hasMore"] = whole.messages.count >= InboxData.messagesMax
        model["why"] = why(whole)
        model["moves"] = moves(whole)
        model["canSplit"] = whole.messages.count > 1
        let name = whole.customer?.name ?? ticket.customerName
        model["placeholder"] = words.fill("write_to", ["name": name.isEmpty ? words["customer"] : name])
        let last = whole.messages.last { $0.direction == .inbound && $0.nature == .human }
        way(whole, last, &model)
        model["customer"] = customer(whole)
        if let warning = addressWarning(whole.address) { model["addressWarning"] = warning }
        return model
    }

    /// Where an answer goes, and what it may carry there.
    private func way(_ whole: Conversation, _ last: Interaction?, _ model: inout Model) {
        switch desk.way(of: whole.messages, customer: whole.customer, now: now) {
        case .mail:
            model["canReply"] = true
            model["takesFiles"] = true
            model["canQuote"] = last != nil
            model["quotes"] = desk.settings.replies.quotes
            let others = last.map { desk.others(on: $0, customer: whole.customer) } ?? []
            guard !others.isEmpty else { return }
            let names = others.joined(separator: ", ")
            model["others"] = ["text": words.fill("reply_all", ["n": "\(others.count)"]), "who": names] as Model
        case .channel(let channel, let account, _, let to):
            model["canReply"] = true
            let facts = ["account": account, "to": to, "n": channel.limit.map { "\($0)" } ?? ""]
            model["wayHint"] = words.fill(channel.limit == nil ? "way_channel" : "way_channel_limited", facts)
        case .closed(let account, let because):
            let why =
                switch because {
                case .time(let end): words.fill("way_closed_time", ["account": account, "when": time.full(end)])
                case .count(let most): words.fill("way_closed_count", ["account": account, "n": "\(most)"])
                }
            model["cannotReply"] = why
        case .nowhere: model["cannotReply"] = words["cannot_reply"]
        }
    }

    private func message(_ message: Interaction, in whole: Conversation) -> Model {
        let shown = MessageText.shown(message.words, mood: message.direction == .inbound ? message.mood : nil)
        var model: Model = [
            "id": message.id.description, "who": message.author.displayName, "initials": initials(message.author.displayName),
            "isOut": message.direction == .outbound, "isNote": message.direction == .note, "isIn": message.direction == .inbound,
            "via": via(message), "body": shown.html, "isCut": shown.isCut, "textURL": "/messages/\(message.id)/text",
        ]
        model["seals"] = Site.seals(message, words)
        if message.cut != nil { model["cutURL"] = "/messages/\(message.id)/fetch" }
        model["when"] = time.model(message.occurredAt)
        // Ours is Markdown and cannot hold HTML of its own.
        if message.direction != .inbound { model["rich"] = SafeHTML(Markdown.html(message.body, hardBreaks: true)) }
        model.merge(Site.setApart(message, words)) { _, apart in apart }
        if message.html != nil {
            model["htmlURL"] = "/messages/\(message.id)/html"
            model["frame"] = "frame-\(message.id)"
        }
        if message.nature != .human { model["nature"] = words["nature_\(message.nature.rawValue)"] }
        if let mood = message.mood, message.direction == .inbound, message.nature == .human {
            model["mood"] = ["tone": Mood.tone(mood.score), "text": moodText(mood), "title": moodTitle(mood)] as Model
        }
        if message.kind == .form { model["fields"] = fields(message) }
        if let link = message.permalink, link.hasPrefix("https://") || link.hasPrefix("http://") { model["permalink"] = link }
        let files = files(message)
        model["files"] = files
        model["hasFiles"] = !files.isEmpty
        if let send = whole.sendOfMessage[message.id] {
            model["send"] = sendState(send, whole.returns[send.id] ?? [])
            model["returned"] = (whole.returns[send.id] ?? []).compactMap { returned($0, to: send.recipient) }
        }
        let reasons = (whole.reasons[message.id.rawValue] ?? []).filter { Self.shownDecisions.contains($0.decision) }
        if !reasons.isEmpty { model["reasons"] = reasons.map { words.said($0.text) }.joined(separator: " · ") }
        return model
    }

    /// What stands between the messages; the panel lists everything.
    private static let shownDecisions: Set<String> = ["thread", "route", "status"]

    private func fields(_ message: Interaction) -> [Model] {
        message.fields.filter { !$0.value.trimmed.isEmpty }.prefix(40).map { ["name": $0.name, "value": $0.value] as Model }
    }

    private func files(_ message: Interaction) -> [Model] {
        let disguises = message.disguises
        // A detached signature is no file for people; its chip says what came of it.
        let isSigned = message.seals.contains { $0.kind == .signed }
        return message.attachments.enumerated().filter { !(isSigned && $0.element.isSignature) }.map { index, file in
            var model: Model = [
                "href": "/messages/\(message.id)/files/\(index)", "name": file.name.isEmpty ? words["file"] : file.name,
                "size": sizeText(file.sizeBytes),
            ]
            if let type = disguises[index] { model["disguise"] = words.fill("file_disguised", ["type": type]) }
            return model
        }
    }

    private func via(_ message: Interaction) -> String {
        switch message.direction {
        case .note: return words["via_note"]
        case .outbound:
            guard let to = message.recipients.first else { return words["via_answer"] }
            return words.fill("via_answer_to", ["to": to])
        case .inbound:
            let kind = words["via_\(message.kind.rawValue)"]
            guard message.kind == .mail, let to = message.recipients.first else { return "\(kind) · \(message.account)" }
            return words.fill("via_mail_to", ["to": to])
        }
    }

    private func moodText(_ mood: Mood) -> String { "\(words["mood_\(mood.label.rawValue)"]) \(Mood.written(mood.score))" }

    private func moodTitle(_ mood: Mood) -> String {
        let because = mood.words.prefix(6).map { "\($0.text) \(Mood.written($0.weight))" }.joined(separator: ", ")
        let percent = "\(Int((mood.confidence * 100).rounded()))"
        return words.fill("mood_because", ["model": mood.model, "percent": percent, "words": because.isEmpty ? "–" : because])
    }

    func sendState(_ send: Send, _ returns: [SendReturn] = []) -> Model {
        if let back = returns.last(where: { $0.kind == .bounced || $0.kind == .complained }) {
            let kind = back.kind.rawValue
            return ["text": words["returned_\(kind)"], "tone": "bad", "hint": words["returned_hint_\(kind)"], "response": back.words]
        }
        let tone: String =
            switch send.state {
            case .accepted: "good"
            case .rejected: "bad"
            case .uncertain, .deferred, .held: "warn"
            case .planned, .claimed, .handedOver, .skipped: ""
            }
        var model: Model = ["text": words["send_\(send.state.rawValue)"], "tone": tone, "hint": words["send_hint_\(send.state.rawValue)"]]
        if let response = send.response, !response.isEmpty { model["response"] = response }
        return model
    }

    /// Everything that was decided about this ticket and its messages, in order.
    private func why(_ whole: Conversation) -> [Model] {
        let all = whole.ticketReasons + whole.messages.flatMap { whole.reasons[$0.id.rawValue] ?? [] }
        return all.sorted { $0.at < $1.at }.suffix(200).map { reason in
            [
                "decision": words.has("decision_\(reason.decision)") ? words["decision_\(reason.decision)"] : reason.decision,
                "text": words.said(reason.text), "when": time.stamp(reason.at),
            ] as Model
        }
    }

    func sizeText(_ bytes: Int) -> String {
        switch bytes {
        case ..<1024: "\(bytes) B"
        case ..<(1 << 20): "\((bytes + 512) >> 10) KB"
        default: "\(bytes >> 20).\((bytes & ((1 << 20) - 1)) * 10 >> 20) MB"
        }
    }
}
