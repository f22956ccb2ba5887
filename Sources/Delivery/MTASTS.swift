import Domain
import Formats
import Logging
import Store
import Synchronization
import Transport

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
            request.sizeBytesMax = MTASTSPolicy.sizeBytesMax
            request.totalTimeout = .seconds(15)
            request.allowPrivate = false
            return try await loop.http(request)
        }
    }

    /// Nil when the domain has none, or says `none`.
    func policy(for domain: String) async throws -> MTASTSPolicy? {
        let known = try await store.read { try $0.mailPolicies.get(domain) }
        let records = await resolver.txt("_mta-sts." + domain).records
        let id = MTASTSRecord.id(in: records)
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
            let entry = MailPolicies.Entry(id: id, body: text, fetchedAt: now, expiresAt: now + .seconds(policy.maxAgeSeconds))
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
