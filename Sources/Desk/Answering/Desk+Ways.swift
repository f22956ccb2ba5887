public import Domain

/// How a channel account takes answers, as far as the desk must know.
public struct ChannelAnswers: Sendable {
    /// An agent's Markdown as the plain texts that are sent one after the other; nil when it is longer than the network takes.
    public var parts: @Sendable (String) -> [String]?
    /// How much one answer may hold, for people; nil where nobody counts.
    public var limit: Int?
    /// How long after the customer's last message an answer may be sent.
    public var openFor: Duration?
    /// How many answers may follow one message of the customer's.
    public var messagesMax: Int?
    public var mayRepeat: Bool

    public init(
        parts: @escaping @Sendable (String) -> [String]?, limit: Int? = nil, openFor: Duration? = nil, messagesMax: Int? = nil,
        mayRepeat: Bool = false
    ) {
        self.parts = parts
        self.limit = limit
        self.openFor = openFor
        self.messagesMax = messagesMax
        self.mayRepeat = mayRepeat
    }
}

/// Where an answer to a conversation goes.
public enum AnswerWay: Sendable {
    /// - Parameter 0: the address.
    case mail(String)
    /// Back over the account the customer wrote by.
    /// - Parameter to: for people: `@anna`.
    case channel(ChannelAnswers, account: String, answers: ID<Interaction>, to: String)
    /// The network takes no more answers to the customer's last message, and there is no address either.
    case closed(account: String, ClosedBecause)
    case nowhere

    public enum ClosedBecause: Sendable, Hashable {
        case time(Timestamp)
        case count(Int)
    }
}

extension Desk {
    /// The way of an answer: back over the channel the customer wrote by last, else by mail.
    /// - Parameter messages: of the ticket, oldest first.
    public func way(of messages: [Interaction], customer: Customer?, now: Timestamp) -> AnswerWay {
        let last = messages.last { $0.direction == .inbound && $0.nature == .human }
        let address = Self.recipient(customer: customer, last: last)
        guard let last, let channel = settings.channels[last.account] else { return address.map { .mail($0) } ?? .nowhere }
        let closed: AnswerWay.ClosedBecause?
        if let openFor = channel.openFor, now >= last.occurredAt + openFor {
            closed = .time(last.occurredAt + openFor)
        } else if let most = channel.messagesMax, answers(after: last, in: messages, channel) >= most {
            closed = .count(most)
        } else {
            closed = nil
        }
        guard let closed else { return .channel(channel, account: last.account, answers: last.id, to: last.author.displayName) }
        return address.map { .mail($0) } ?? .closed(account: last.account, closed)
    }

    /// As the network counts them: each part of a long answer.
    func answers(after last: Interaction, in messages: [Interaction], _ channel: ChannelAnswers) -> Int {
        guard let place = messages.lastIndex(where: { $0.id == last.id }) else { return 0 }
        return messages[place...].filter { $0.direction == .outbound && $0.account == last.account }
            .reduce(0) { $0 + (channel.parts($1.body)?.count ?? 1) }
    }
}
