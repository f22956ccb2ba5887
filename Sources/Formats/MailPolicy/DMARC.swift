/// What a domain asks receivers to do with mail that is not aligned (RFC 7489 §6.3).
public struct DMARCRecord: Sendable, Hashable {
    public enum Policy: String, Sendable, CaseIterable { case none, quarantine, reject }

    public var policy: Policy
    /// For subdomains; the domain's own when nil.
    public var subdomainPolicy: Policy?
    public var isStrictForDKIM: Bool
    public var isStrictForSPF: Bool
    /// Share of the failing mail the policy is for.
    public var percent: Int
    /// Where the reports go.
    public var reports: [String]

    /// Nil when it is no DMARC record, or one that receivers ignore because of a mistake.
    public init?(_ text: String) {
        guard Self.isMeant(text), let tags = TagList(text), tags.tags.first?.name == "v" else { return nil }
        reports = (tags["rua"] ?? "").split(separator: ",").map { ASCII.trim(String($0)) }.filter { !$0.isEmpty }
        if let written = tags["p"], let policy = Policy(rawValue: ASCII.lowercased(written)) {
            self.policy = policy
        } else {
            guard !reports.isEmpty else { return nil }
            policy = .none  // RFC 7489 §6.6.3 step 6
        }
        subdomainPolicy = tags["sp"].flatMap { Policy(rawValue: ASCII.lowercased($0)) }
        isStrictForDKIM = tags["adkim"].map { ASCII.lowercased($0) == "s" } ?? false
        isStrictForSPF = tags["aspf"].map { ASCII.lowercased($0) == "s" } ?? false
        percent = tags["pct"].flatMap { Int($0) }.map { min(max($0, 0), 100) } ?? 100
    }

    /// Whether a text at `_dmarc` is one of these at all.
    public static func isMeant(_ text: String) -> Bool {
        let head = text.split(separator: ";", maxSplits: 1).first.map { $0.filter { !$0.isWhitespace } }
        return head == "v=DMARC1"
    }
}
