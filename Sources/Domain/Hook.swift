/// A request that an outside service made to the address of one account.
public struct HookPost: Sendable {
    public var account: String
    /// Whether it came by GET: such a one only asks whether the address is ours.
    public var isQuestion: Bool
    public var headers: [(name: String, value: String)]
    public var query: [(name: String, value: String)]
    public var body: [UInt8]

    public init(
        account: String, isQuestion: Bool = false, headers: [(name: String, value: String)] = [],
        query: [(name: String, value: String)] = [], body: [UInt8] = []
    ) {
        self.account = account
        self.isQuestion = isQuestion
        self.headers = headers
        self.query = query
        self.body = body
    }
}

public enum HookAnswer: Sendable, Hashable {
    /// All of it is stored.
    case taken(status: Int, body: String)
    case challenge(String)
    case refused(HookRefusal)
}

/// Why nothing of a request was believed. Whoever made it hears a number; the operator hears this.
public enum HookRefusal: String, Error, Sendable, Hashable, CaseIterable {
    /// Nobody is pushed to under this name.
    case unknown
    case unsigned
    case signature
    /// Signed too long ago, or in the future.
    case stale
    /// A question for the address without the right word.
    case challenge
    case size
    /// Too many from one place, or at once.
    case rate

    /// For the operator.
    public var words: String {
        switch self {
        case .unknown: "nothing is pushed to an account of this name"
        case .unsigned: "the signature is missing"
        case .signature: "the signature is wrong"
        case .stale: "it was not signed just now"
        case .challenge: "the question for the address is not signed, or its word is wrong"
        case .size: "it is too large"
        case .rate: "there are too many"
        }
    }
}

/// What came to the address of an account since it exists.
public struct HookCounts: Sendable, Hashable, Codable {
    /// Requests whose content is stored.
    public var taken: Int64 = 0
    /// By `HookRefusal`.
    public var refused: [String: Int64] = [:]
    public var lastTakenAt: Timestamp?
    public var lastRefusedAt: Timestamp?
    public var lastRefusal: String?

    public init() {}
    public var refusedCount: Int64 { refused.values.reduce(0, +) }
    public var lastReason: HookRefusal? { lastRefusal.flatMap(HookRefusal.init) }

    public mutating func add(_ other: HookCounts) {
        taken += other.taken
        for (name, count) in other.refused { refused[name, default: 0] += count }
        lastTakenAt = [lastTakenAt, other.lastTakenAt].compactMap { $0 }.max()
        guard let at = other.lastRefusedAt, lastRefusedAt.map({ $0 <= at }) ?? true else { return }
        lastRefusedAt = at
        lastRefusal = other.lastRefusal
    }
}
