import Domain

/// What a server's "not now" is about, read from its words: this message, or everything we send there.
struct Refusal: Sendable, Hashable {
    /// A greylist lets a stranger in at the second visit, usually five minutes later (RFC 6647 §4.1).
    static let greylistWait: Duration = .seconds(300)
    /// Named waits are believed up to here.
    static let namedWaitMax: Duration = .seconds(3600)

    private let words: String
    private let code: Int
    private let status: EnhancedStatus?

    /// - Parameter words: `421 4.7.0 …`, as the server said them, or the error that came instead.
    init(_ words: String) {
        self.words = words.lowercased()
        code = Int(words.prefix(3)) ?? 0
        status = EnhancedStatus(in: words)
    }

    var isGreylisting: Bool { ["greylist", "graylist", "grey-list", "gray-list", "灰名单"].contains { words.contains($0) } }

    /// The whole service is closed for us (RFC 5321 §4.2.2).
    var isClosing: Bool { !isGreylisting && (code == 421 || words.contains("it said 421")) }

    /// Besides that, 4.7.x is about who we are or how much we send (RFC 3463 §3.8), 4.4.5 and 4.3.2 say
    /// that the system is busy. A greylist is about one message, whatever its code.
    var isAboutUs: Bool {
        if isClosing { return true }
        guard !isGreylisting, let status, status.kind == 4 else { return false }
        return status.subject == 7 || (status.subject == 4 && status.detail == 5) || (status.subject == 3 && status.detail == 2)
    }

    /// How long to wait at least: what the words name ("try again in 600 seconds", "retry after 5 minutes"), or a greylist's usual time.
    var wait: Duration? {
        if let named = Self.named(words) { return min(named, Self.namedWaitMax) }
        return isGreylisting ? Self.greylistWait : nil
    }

    /// A number followed by a unit, behind "in", "after" or "for".
    private static func named(_ words: String) -> Duration? {
        let parts = words.split { $0.isWhitespace || ",;.()".contains($0) }
        for (index, part) in parts.enumerated() where ["in", "after", "for"].contains(part) && index + 2 < parts.count {
            guard let number = Int64(parts[index + 1]), (1...86_400).contains(number) else { continue }
            if parts[index + 2].hasPrefix("sec") { return .seconds(number) }
            if parts[index + 2].hasPrefix("min") { return .seconds(min(number, 1440) * 60) }
        }
        return nil
    }
}
