/// What was answered, for as long as the answer allows. Bounded: when it is full, what ends first goes first.
struct DNSCache {
    static let entriesMax = 4096
    /// Nobody is believed for longer than this (RFC 8767 advises days at most; one is plenty for mail).
    static let longest: UInt32 = 86_400
    /// For a name that does not exist (RFC 2308 §5).
    static let longestMissing: UInt32 = 3_600
    /// A failure is remembered for a moment only, so that a burst of mails asks once (RFC 9520 §3.2).
    static let failure: UInt32 = 5

    struct Key: Hashable {
        let name: DNSName
        let type: DNSType
    }

    private struct Entry {
        let outcome: DNSOutcome
        let until: ContinuousClock.Instant
    }

    private var entries: [Key: Entry] = [:]

    func get(_ key: Key, at now: ContinuousClock.Instant) -> DNSOutcome? {
        guard let entry = entries[key], entry.until > now else { return nil }
        return entry.outcome
    }

    mutating func put(
        _ key: Key, _ outcome: DNSOutcome, seconds: UInt32, at now: ContinuousClock.Instant
    ) {
        let longest =
            switch outcome {
            case .records: Self.longest
            case .missing: Self.longestMissing
            case .failed: Self.failure
            }
        guard seconds > 0 else { return }
        if entries.count >= Self.entriesMax, entries[key] == nil { makeRoom(at: now) }
        entries[key] = Entry(outcome: outcome, until: now + .seconds(Int64(min(seconds, longest))))
    }

    private mutating func makeRoom(at now: ContinuousClock.Instant) {
        entries = entries.filter { $0.value.until > now }
        guard entries.count >= Self.entriesMax else { return }
        let oldest = entries.sorted { $0.value.until < $1.value.until }.prefix(Self.entriesMax / 8)
        for (key, _) in oldest { entries[key] = nil }
    }
}

/// What a question led to, before it is put into the words of its kind.
enum DNSOutcome: Sendable, Equatable {
    case records([DNSMessage.Value])
    case missing(isDomainMissing: Bool)
    case failed(DNSFailure)
}
