// Delivery: the last room of the way. It turns due rows of the send ledger into mails that somebody took, or says why not.
//
// In: rows of `Sends` (a Mustache and Markdown text, a recipient, a purpose). Out: SMTP dialogues or files, and the outcome in that row.
// Never: a second message for one key by our own doing, a mail whose reason is not stored, a value that becomes markup or a header.
public import Domain

/// What the operator decides once for all senders.
public struct DeliverySettings: Sendable, Equatable {
    /// Where customers reach the daemon, without a slash at the end: `https://care.example.com`. Unsubscribe links start with it.
    public var publicURL: String
    /// `Care <care@example.com>`; answers go to From when nil.
    public var replyTo: String?
    /// For rows that name no sender; the first one when nil.
    public var defaultSender: String?
    public var retry: RetrySchedule
    /// Marketing mail is old news after a day; other mail has `retry.giveUpAfter`.
    public var marketingGiveUpAfter: Duration
    /// How long a claimed row is ours: its wait in memory and one attempt, whose last answer may take ten minutes (RFC 5321 §4.5.3.2.6).
    public var lease: Duration
    /// How long an unused connection is kept open.
    public var idle: Duration
    /// How long running deliveries may take once the daemon is told to stop.
    public var grace: Duration
    /// How much automatic mail may go where.
    public var loops: LoopGuard

    public init(publicURL: String) {
        self.publicURL = publicURL
        retry = RetrySchedule(giveUpAfter: .seconds(4 * 86400))
        marketingGiveUpAfter = .seconds(86400)
        lease = .seconds(900)
        idle = .seconds(20)
        grace = .seconds(8)
        loops = LoopGuard()
    }

    /// How long this row is tried again.
    func retry(for send: Send) -> RetrySchedule {
        guard send.kind == .journey, send.purpose == .marketing else { return retry }
        var schedule = retry
        schedule.giveUpAfter = min(retry.giveUpAfter, marketingGiveUpAfter)
        return schedule
    }
}
