/// The DNS half of MTA-STS (RFC 8461 §3.1): says that there is a policy, and by a new id that it changed.
public struct MTASTSRecord: Sendable, Hashable {
    public var id: String

    /// Nil when it is no such record.
    public init?(_ text: String) {
        guard let tags = TagList(text), tags.tags.first?.name == "v", tags["v"] == "STSv1", let id = tags["id"], !id.isEmpty,
            id.utf8.count <= 32, id.utf8.allSatisfy({ ASCII.isLetter($0) || ASCII.isDigit($0) })
        else { return nil }
        self.id = id
    }

    /// The id among the records at `_mta-sts.<domain>`; nil when not exactly one of them is of this kind: then there is no policy.
    public static func id(in records: [String]) -> String? {
        let ours = records.compactMap { MTASTSRecord($0) }
        return ours.count == 1 ? ours[0].id : nil
    }
}

/// The policy file at `https://mta-sts.<domain>/.well-known/mta-sts.txt` (RFC 8461 §3.2).
public struct MTASTSPolicy: Sendable, Hashable {
    public enum Mode: String, Sendable, CaseIterable { case enforce, testing, none }

    public static let sizeBytesMax = 64 << 10
    /// A file that names more is no policy: half of one would refuse mail servers that the other half names.
    static let hostsMax = 200
    /// One year and a bit, which is as long as the standard allows.
    static let secondsMax = 31_557_600

    public var mode: Mode
    /// Patterns: `mail.example.com`, `*.example.net`. Lower-cased.
    public var hosts: [String]
    public var maxAgeSeconds: Int

    /// Nil when it is no policy, or a wrong one: it must then be treated as if there were none.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.sizeBytesMax else { return nil }
        var values: [String: String] = [:]
        hosts = []
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = ASCII.lowercased(ASCII.trim(String(line[..<colon])))
            let value = ASCII.trim(String(line[line.index(after: colon)...]))
            if name == "mx" {
                hosts.append(ASCII.lowercased(value))
            } else if values[name] == nil {  // of several only the first counts
                values[name] = value
            }
        }
        guard values["version"] == "STSv1", let mode = values["mode"].flatMap(Mode.init(rawValue:)),
            let age = values["max_age"].flatMap({ Int($0) }), age >= 0, hosts.count <= Self.hostsMax,
            mode == .none || !hosts.isEmpty
        else { return nil }
        self.mode = mode
        maxAgeSeconds = min(age, Self.secondsMax)
    }

    /// Whether the policy names this mail server. A `*` stands for one label, the first.
    public func allows(_ host: String) -> Bool {
        var host = ASCII.lowercased(host)
        if host.hasSuffix(".") { host.removeLast() }
        return hosts.contains { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == host }
            return host.firstIndex(of: ".").map { host[$0...] == pattern.dropFirst() } ?? false
        }
    }
}

/// Where reports about TLS go (RFC 8460 §3).
public struct TLSReportRecord: Sendable, Hashable {
    public var reports: [String]

    /// Nil when it is no such record.
    public init?(_ text: String) {
        guard let tags = TagList(text), tags.tags.first?.name == "v", tags["v"] == "TLSRPTv1", let rua = tags["rua"] else { return nil }
        reports = rua.split(separator: ",").map { ASCII.trim(String($0)) }.filter { !$0.isEmpty }
        if reports.isEmpty { return nil }
    }
}
