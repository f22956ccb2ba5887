import Domain
import Logging
import Store
import Synchronization
import Transport

/// A domain's word that mail to it must be encrypted, and by whom it is taken (MTA-STS, RFC 8461 §3.2).
struct MTASTSPolicy: Sendable, Equatable {
    enum Mode: String, Sendable { case enforce, testing, none }

    static let bytesMax = 64 << 10
    static let patternsMax = 200
    /// RFC 8461 §3.2: about a year.
    static let longest: Int64 = 31_557_600

    let mode: Mode
    let patterns: [String]
    let maxAge: Duration

    /// Nil when the text is no policy; then it is as if there were none.
    init?(_ text: String) {
        var fields: [String: String] = [:]
        var patterns: [String] = []
        guard text.utf8.count <= Self.bytesMax else { return nil }
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = line[..<colon].filter { !$0.isWhitespace }
            let value = line[line.index(after: colon)...].filter { !$0.isWhitespace }
            if key == "mx" { patterns.append(value.lowercased()) } else if fields[key] == nil { fields[key] = value }
        }
        guard fields["version"] == "STSv1", let mode = fields["mode"].flatMap(Mode.init),
            let age = fields["max_age"].flatMap({ Int64($0) }),
            (0...Self.longest).contains(age), patterns.count <= Self.patternsMax, mode == .none || !patterns.isEmpty
        else { return nil }
        self.mode = mode
        self.patterns = patterns
        maxAge = .seconds(age)
    }

    /// A star stands for exactly one label on the left (RFC 8461 §4.1).
    func allows(_ host: String) -> Bool {
        let host = host.lowercased()
        return patterns.contains { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == host }
            guard let dot = host.firstIndex(of: ".") else { return false }
            return host[dot...] == pattern.dropFirst()
        }
    }

    /// The `id` of the record at `_mta-sts.<domain>`; nil when there is not exactly one (RFC 8461 §3.1).
    static func id(in records: [String]) -> String? {
        let ours = records.filter { $0.hasPrefix("v=STSv1;") || $0.hasPrefix("v=STSv1 ") }
        guard ours.count == 1 else { return nil }
        for field in ours[0].split(separator: ";") {
            let parts = field.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace } }
            if parts.count == 2, parts[0] == "id", (1...32).contains(parts[1].utf8.count) { return parts[1] }
        }
        return nil
    }
}

/// Finds policies: the newest by the DNS, else the one that was fetched before and still holds. So nobody who silences the DNS for a moment
/// can undo a policy we know.
struct MTASTS: Sendable {
    /// A policy that could not be fetched is not asked for again so soon.
    static let retryAfter: Duration = .seconds(300)
    static let failuresMax = 4096

    let store: Store
    let resolver: DNSResolver
    let logger: Logger
    /// The text at `https://mta-sts.<domain>/.well-known/mta-sts.txt`.
    let fetch: @Sendable (_ domain: String) async throws -> HTTPResponse
    private let failures = Failures()

    init(
        store: Store, resolver: DNSResolver, logger: Logger, fetch: @escaping @Sendable (_ domain: String) async throws -> HTTPResponse
    ) {
        self.store = store
        self.resolver = resolver
        self.logger = logger
        self.fetch = fetch
    }

    /// Over verified TLS, without following redirects (RFC 8461 §3.3).
    static func fetcher(_ loop: TransferLoop) -> @Sendable (String) async throws -> HTTPResponse {
        { domain in
            var request = HTTPRequest("GET", "https://mta-sts.\(domain)/.well-known/mta-sts.txt")
            request.redirectsMax = 0
            request.sizeBytesMax = MTASTSPolicy.bytesMax
            request.totalTimeout = .seconds(15)
            request.allowPrivate = false
            return try await loop.http(request)
        }
    }

    /// Nil when the domain has none, or says `none`.
    func policy(for domain: String) async throws -> MTASTSPolicy? {
        let known = try await store.read { try $0.mailPolicies.get(domain) }
        let records = await resolver.txt("_mta-sts." + domain).records
        let id = MTASTSPolicy.id(in: records)
        if let id, id != known?.id, failures.mayAsk(domain, at: store.time.now()) {
            if let fresh = await fetched(domain, id) { return fresh.mode == .none ? nil : fresh }
        }
        guard let policy = known.flatMap({ MTASTSPolicy($0.body) }), policy.mode != .none else { return nil }
        return policy
    }

    private func fetched(_ domain: String, _ id: String) async -> MTASTSPolicy? {
        do {
            let answer = try await fetch(domain)
            let type = answer.header("Content-Type")?.lowercased() ?? ""
            let text = String(decoding: answer.body, as: UTF8.self)
            guard answer.status == 200, type.hasPrefix("text/plain"), let policy = MTASTSPolicy(text) else {
                throw PolicyProblem(description: "status \(answer.status), \(type.isEmpty ? "no type" : type), no policy in it")
            }
            let now = store.time.now()
            let entry = MailPolicies.Entry(id: id, body: text, fetchedAt: now, expiresAt: now + policy.maxAge)
            try await store.write { try $0.mailPolicies.put(domain, entry) }
            return policy
        } catch {
            failures.note(domain, at: store.time.now())
            logger.warning("A domain's MTA-STS policy cannot be read.", metadata: ["domain": "\(domain)", "error": "\(error)"])
            return nil
        }
    }

    private struct PolicyProblem: Error, CustomStringConvertible { let description: String }

    private final class Failures: Sendable {
        private let times = Mutex<[String: Timestamp]>([:])

        func mayAsk(_ domain: String, at now: Timestamp) -> Bool {
            times.withLock { times in times[domain].map { now - $0 > MTASTS.retryAfter } ?? true }
        }

        func note(_ domain: String, at now: Timestamp) {
            times.withLock { times in
                if times.count >= MTASTS.failuresMax { times = times.filter { now - $0.value <= MTASTS.retryAfter } }
                if times.count < MTASTS.failuresMax { times[domain] = now }
            }
        }
    }
}
