public import Domain
public import Store

/// An answer that waits in the send ledger or has left it.
public struct Reply: Sendable, Hashable {
    public let interaction: ID<Interaction>
    public let send: ID<Send>
    /// The ticket's, for people.
    public let number: Int64
}

public enum ReplyResult: Sendable, Hashable {
    /// Planned now, or by an earlier try with the same draft.
    case planned(Reply)
    case unknownTicket
    /// The customer has no e-mail address, and wrote by nothing that takes answers.
    case noAddress
    /// The network takes no more answers to the customer's last message.
    case closed(account: String, AnswerWay.ClosedBecause)
    /// A channel carries words only.
    case noFiles
    /// More than the network takes in one answer, and it may not be split.
    case tooLongForChannel(limit: Int)
    /// Nothing but white space.
    case empty
    case tooLong
    /// More files, or more of them, than one mail may carry.
    case filesTooLarge
}

/// What an answer carries beside its words.
public struct ReplyOptions: Sendable {
    /// Whether the message that is answered is quoted below; nil is what the operator chose.
    public var quotes: Bool?
    /// Whether everybody who got that message gets the answer too.
    public var toAll: Bool
    /// Stored in the blobs already.
    public var files: [Attachment]

    public init(quotes: Bool? = nil, toAll: Bool = false, files: [Attachment] = []) {
        self.quotes = quotes
        self.toAll = toAll
        self.files = files
    }
}

extension Desk {
    public static let textBytesMax = 256 << 10
    /// A thread's References are cut to its first and newest ids.
    static let referencesMax = 30
    /// How far back we look for the message that is answered.
    static let lookBackMax = 200

    /// Answers the customer over the channel they wrote by, or by e-mail: the words appear in the conversation and wait in the send ledger.
    /// - Parameters:
    ///   - agent: nil when nobody is named (the command line); the queue speaks then.
    ///   - draft: made once when the agent starts to write; the same draft is sent once, however often it is posted.
    ///   - text: Markdown.
    ///   - solve: whether the matter is solved with this answer.
    public func reply(
        _ transaction: Transaction, ticket id: ID<Ticket>, agent: Agent?, draft: String, text: String, solve: Bool,
        options: ReplyOptions = ReplyOptions()
    ) throws -> ReplyResult {
        guard var ticket = try transaction.tickets.get(id) else { return .unknownTicket }
        let key = "reply/\(id)/\(draft)"
        if let known = try transaction.sends.get(key: key), let interaction = known.interaction {
            return .planned(Reply(interaction: interaction, send: known.id, number: ticket.number))
        }
        guard !text.trimmed.isEmpty else { return .empty }
        guard text.utf8.count <= Self.textBytesMax else { return .tooLong }
        let settings = settings
        guard options.files.count <= Self.filesMax,
            options.files.reduce(0, { $0 + $1.sizeBytes }) <= settings.replies.filesBytesMax
        else { return .filesTooLarge }
        let customer = try transaction.customers.get(ticket.customer)
        let messages = try transaction.interactions.ofTicket(id, limit: Self.lookBackMax)
        let last = messages.last { $0.direction == .inbound && $0.nature == .human }
        var send: Send
        switch way(of: messages, customer: customer, now: transaction.now) {
        case .nowhere: return .noAddress
        case .closed(let account, let because): return .closed(account: account, because)
        case .mail(let recipient):
            send = mail(transaction, to: recipient, ticket: ticket, key: key, last: last, customer: customer, options: options)
        case .channel(let channel, let account, let answers, let recipient):
            guard options.files.isEmpty else { return .noFiles }
            guard var parts = channel.parts(text), !parts.isEmpty else { return .tooLongForChannel(limit: channel.limit ?? 0) }
            if let most = channel.messagesMax, let last {
                let left = most - self.answers(after: last, in: messages, channel)
                guard parts.count <= left else { return .tooLongForChannel(limit: (channel.limit ?? 0) * left) }
            }
            send = self.send(transaction, to: recipient, ticket: ticket, key: key, customer: customer)
            send.sender = Sender.channelName(account)
            send.text = parts.removeFirst()
            send.details.channel = Send.ChannelAnswer(account: account, answers: answers, rest: parts, mayRepeat: channel.mayRepeat)
        }
        let sendID = send.id
        if send.details.channel == nil { send.text = text }
        let name = agent?.name ?? ticket.queue
        let message = answer(send, text: text, ticket: ticket, last: last, name: name, now: transaction.now, id: transaction.newID())
        send.interaction = message.id
        try transaction.interactions.addPlaced(message)
        guard try transaction.sends.plan(send) else {
            throw DeskError(description: "the answer `\(key)` was planned by somebody else at this moment; look at the ticket again")
        }
        try transaction.reasons.add(
            Reason(
                at: transaction.now, about: .send, subject: sendID.rawValue, decision: "send",
                text: "\(name) answered #\(ticket.number) to \(send.recipient)"))
        try planCopies(of: send, transaction)

        let before = ticket.status
        ticket.status = solve && before != .closed ? .solved : before.afterReply
        ticket.messageCount += 1
        ticket.snippet = text.oneLine(scalarsMax: Placing.snippetScalarsMax)
        ticket.updatedAt = max(ticket.updatedAt, transaction.now)
        ticket.lastOutboundAt = transaction.now
        try transaction.tickets.update(ticket)
        if ticket.status != before { try explainStatus(transaction, ticket, from: before, by: "\(name) answered") }
        try transaction.events.append(
            Event(
                at: transaction.now, kind: .ticketReplied, customer: ticket.customer, ticket: id, interaction: message.id, send: sendID,
                data: ["number": "\(ticket.number)", "agent": agent?.login ?? "", "status": ticket.status.rawValue]))
        return .planned(Reply(interaction: message.id, send: sendID, number: ticket.number))
    }

    private func send(
        _ transaction: Transaction, to recipient: String, ticket: Ticket, key: String, customer: Customer?
    ) -> Send {
        var send = Send(
            id: transaction.newID(), key: key, kind: .reply, purpose: .transactional, recipient: recipient, dueAt: transaction.now,
            createdAt: transaction.now)
        send.customer = ticket.customer
        send.ticket = ticket.id
        send.locale = customer?.language?.hasPrefix("zh") == true ? "zh" : "en"
        return send
    }

    private func mail(
        _ transaction: Transaction, to recipient: String, ticket: Ticket, key: String, last: Interaction?, customer: Customer?,
        options: ReplyOptions
    ) -> Send {
        let settings = settings
        var send = send(transaction, to: recipient, ticket: ticket, key: key, customer: customer)
        send.sender = settings.senders[ticket.account]
        send.messageID = store.signer.messageID(kind: "s", id: send.id.rawValue, domain: settings.domain(of: ticket.account))
        send.subject = SubjectLine.answer(to: ticket.subject, number: ticket.number, language: customer?.language)
        send.inReplyTo = last?.messageID
        send.references = Self.references(to: last)
        send.details.replyTo = settings.plusAddresses[ticket.account].flatMap {
            store.signer.address($0, kind: "s", id: send.id.rawValue)
        }
        send.details.isMarked = settings.marksText
        send.details.files = options.files
        if options.toAll, let last { send.details.cc = others(on: last, besides: recipient) }
        if options.quotes ?? settings.replies.quotes { send.details.quotes = last?.id }
        return send
    }

    /// The outbound row of the conversation. `text` is all of it, also where it is sent in parts.
    private func answer(
        _ send: Send, text: String, ticket: Ticket, last: Interaction?, name: String, now: Timestamp, id: ID<Interaction>
    ) -> Interaction {
        let isMail = send.details.channel == nil
        var message = Interaction(
            id: id, account: send.details.channel?.account ?? ticket.account, externalID: send.key,
            kind: isMail ? .mail : last?.kind ?? .post,
            direction: .outbound, occurredAt: now, receivedAt: now,
            author: Interaction.Author(name: name), recipients: [send.recipient] + send.details.cc, subject: send.subject ?? "",
            body: text)
        message.messageID = send.messageID
        message.inReplyTo = send.inReplyTo.map { [$0] } ?? []
        message.references = send.references
        message.attachments = send.details.files
        message.customer = ticket.customer
        message.ticket = ticket.id
        return message
    }

    /// The address they wrote from last, when it is the customer's; else the customer's first; else whoever wrote last.
    static func recipient(customer: Customer?, last: Interaction?) -> String? {
        let wrote = last?.author.email?.lowercased()
        if let wrote, customer?.identities.contains(Identity(kind: .email, value: wrote)) == true { return wrote }
        return customer?.email ?? wrote
    }

    /// RFC 5322 §3.6.4: the parent's References and its own id.
    static func references(to parent: Interaction?) -> [String] {
        guard let parent, let id = parent.messageID else { return [] }
        let ancestors = parent.references.isEmpty ? Array(parent.inReplyTo.prefix(1)) : parent.references
        let all = ancestors.filter { $0 != id } + [id]
        return all.count <= referencesMax ? all : [all[0]] + all.suffix(referencesMax - 1)
    }
}

/// The desk could not do what was asked, and nothing was written.
public struct DeskError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
}
