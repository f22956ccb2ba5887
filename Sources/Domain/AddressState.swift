/// What is known about one mail address from what came back: whether mail to it makes sense. Pure decisions; the times are given.
public struct AddressState: Sendable, Hashable, Codable {
    public enum Condition: String, Sendable, Hashable, Codable, CaseIterable {
        case ok
        /// It failed, for a reason that may pass.
        case soft
        /// The mailbox is full.
        case full
        /// There is no such address, for good.
        case dead
        /// Our mail was refused by a policy or for our reputation. Says nothing about the person: mail goes on.
        case blocked
    }

    /// Failures in a row that pause mail from journeys, when they come within `softWindow`.
    public static let softMax = 3
    public static let softWindow = Duration.seconds(30 * 86_400)
    public static let softPause = Duration.seconds(7 * 86_400)
    /// A full mailbox is left alone this long; each time it is full again, twice as long, up to `fullPauseMax`.
    public static let fullPause = Duration.seconds(3 * 86_400)
    public static let fullPauseMax = Duration.seconds(24 * 86_400)
    /// Characters of the server's words that are kept.
    public static let wordsMax = 600

    /// Lower-cased.
    public var address: String
    public var condition: Condition
    public var reason: BounceReason?
    /// RFC 3463, as stated.
    public var status: String?
    /// The server's words.
    public var words: String
    /// When the present condition began.
    public var since: Timestamp
    public var changedAt: Timestamp
    /// Journeys send nothing before this; nil where no pause is on.
    public var pausedUntil: Timestamp?
    /// Failures since the address last worked.
    public var failures: Int
    /// The last send that failed there.
    public var send: ID<Send>?
    /// Somebody there called our mail spam, or asked their provider to unsubscribe them.
    public var complainedAt: Timestamp?
    /// `abuse`, `opt-out`, …
    public var complaint: String?

    public init(address: String, at: Timestamp) {
        self.address = address.lowercased()
        condition = .ok
        words = ""
        since = at
        changedAt = at
        failures = 0
    }

    /// One failed delivery, as a report or a server's reply tells it.
    public struct Failure: Sendable, Hashable {
        public var reason: BounceReason
        public var status: String?
        /// Nobody tries any more.
        public var isPermanent: Bool
        public var words: String
        public var send: ID<Send>?
        /// The server told us, or the report carries a mark that only we can have made. Anybody can write the others.
        public var isProven: Bool

        public init(
            reason: BounceReason, status: String?, isPermanent: Bool, words: String, send: ID<Send>? = nil, isProven: Bool = true
        ) {
            self.isProven = isProven
            self.reason = reason
            self.status = status
            self.isPermanent = isPermanent
            self.words = words
            self.send = send
        }

        /// RFC 3463 X.7.x and reasons of that kind: about us, never about the person.
        public var isPolicy: Bool { reason.isAboutSender || status?.dropFirst(1).hasPrefix(".7.") == true }

        /// The address is dead: a final 5.1.x about the recipient (not 5.1.7 and 5.1.8, which speak of the sender) or 5.2.1, or words that
        /// leave no doubt. Never on a policy, a temporary code, a full mailbox, or the word of a stranger.
        public var meansDead: Bool {
            guard isProven, isPermanent, !isPolicy, reason != .mailboxFull, status?.hasPrefix("4.") != true else { return false }
            if reason.isAboutAddress { return true }
            guard let status, reason != .expired, reason != .networkError else { return false }
            let isAddressStatus = status.hasPrefix("5.1.") && status != "5.1.7" && status != "5.1.8"
            return isAddressStatus || (status == "5.2.1" && !words.lowercased().contains("temporar"))
        }
    }

    /// Takes in a failure.
    /// - Returns: one sentence about what follows from it; nil when nothing does.
    public mutating func take(_ failure: Failure, at now: Timestamp) -> String? {
        if failure.reason == .delivered || failure.reason == .feedback || failure.reason == .vacation { return nil }
        guard condition != .dead else { return nil }
        if failure.isPolicy {
            guard condition == .ok || condition == .blocked else { return nil }
            become(.blocked, failure, at: now)
            return "\(address) refused our mail for a reason that lies with us (\(failure.reason.rawValue)); mail to it goes on"
        }
        guard failure.isPermanent else { return nil }
        if failure.meansDead {
            become(.dead, failure, at: now)
            pausedUntil = nil
            return "\(address) gets no more mail from journeys: the address is dead (\(failure.words))"
        }
        failures = now - changedAt > Self.softWindow ? 1 : failures + 1
        if failure.reason == .mailboxFull || failure.status?.hasSuffix(".2.2") == true {
            become(.full, failure, at: now)
            let pause = min(Self.fullPause * (1 << min(failures - 1, 6)), Self.fullPauseMax)
            pausedUntil = now + pause
            return "the mailbox of \(address) is full: journeys send nothing there until \(now + pause)"
        }
        become(.soft, failure, at: now)
        guard failures >= Self.softMax else {
            return "\(address) failed \(failures) time\(failures == 1 ? "" : "s") for a reason that may pass"
        }
        pausedUntil = now + Self.softPause
        return "\(address) failed \(failures) times in a row: journeys send nothing there until \(now + Self.softPause)"
    }

    /// - Parameter type: of the report, `abuse` (RFC 5965 §3.5).
    public mutating func complain(_ type: String, send: ID<Send>?, at now: Timestamp) {
        complainedAt = now
        complaint = type
        changedAt = now
        if let send { self.send = send }
    }

    /// A person wrote from there, or a delivery was confirmed: what was temporary is over. A dead address and a complaint stay.
    /// - Returns: whether anything changed.
    public mutating func heard(at now: Timestamp) -> Bool {
        guard condition == .soft || condition == .full || condition == .blocked else { return false }
        condition = .ok
        pausedUntil = nil
        failures = 0
        since = now
        changedAt = now
        return true
    }

    /// Why journeys do not mail this address now; nil when they may. Answers of agents are never stopped here.
    public func refusal(_ purpose: Send.Purpose, at now: Timestamp) -> String? {
        if condition == .dead { return words.isEmpty ? "the address is dead" : words }
        if let pausedUntil, pausedUntil > now {
            return "\(condition == .full ? "its mailbox is full" : "it keeps failing"), paused until \(pausedUntil): \(words)"
        }
        if purpose == .marketing, let complainedAt { return "a complaint (\(complaint ?? "abuse")) came from there at \(complainedAt)" }
        return nil
    }

    private mutating func become(_ condition: Condition, _ failure: Failure, at now: Timestamp) {
        if self.condition != condition { since = now }
        self.condition = condition
        reason = failure.reason
        status = failure.status
        words = String(failure.words.prefix(Self.wordsMax))
        changedAt = now
        if let send = failure.send { self.send = send }
    }
}

/// What came back for one send: kept beside its outcome, which stays what the server said at the time.
public struct SendReturn: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable { case bounced, delayed, delivered, complained }

    public var send: ID<Send>
    public var kind: Kind
    public var at: Timestamp
    public var reason: BounceReason
    public var status: String?
    /// The server's words, or the type of the complaint.
    public var words: String
    /// The message that told us.
    public var interaction: ID<Interaction>?

    public init(
        send: ID<Send>, kind: Kind, at: Timestamp, reason: BounceReason, status: String?, words: String, interaction: ID<Interaction>?
    ) {
        self.send = send
        self.kind = kind
        self.at = at
        self.reason = reason
        self.status = status
        self.words = words
        self.interaction = interaction
    }
}
