import Domain
import Formats
import Logging
import Store
import Transport

/// Finds and reaches a server that takes mail for a domain.
struct DirectDialer: Sendable {
    /// Addresses of one server that are tried.
    static let addressesMax = 4

    let sender: Sender
    let loop: TransferLoop
    let resolver: DNSResolver
    let policies: MTASTS
    let logger: Logger

    enum Dial: Sendable {
        case connected(SMTPClient)
        /// For ever.
        case nobody(String)
        /// Each server that was tried, and why it was not it.
        case notNow(String)
    }

    /// The provider behind a domain's servers; nil when it has its own, or nobody knows now.
    func provider(of domain: String) async -> String? {
        await resolver.mx(domain).records.first.flatMap { MailProvider.of(mxHost: $0.host) }
    }

    /// Tries the domain's servers in their order until one greets us.
    func dial(_ domain: String) async throws -> Dial {
        let servers: [String]
        switch MXPlan(domain, await resolver.mx(domain)) {
        case .nobody(let words): return .nobody(words)
        case .unknown(let words): return .notNow(words)
        case .servers(let found): servers = found
        }
        let policy = try await policies.policy(for: domain)
        var problems: [String] = []
        for server in servers {
            try Task.checkCancellation()
            if let policy, policy.mode == .enforce, !policy.allows(server) {
                problems.append("\(server) is not among the servers that \(domain) names in its MTA-STS policy")
                continue
            }
            let addresses: [IPAddress]
            switch await resolver.addresses(server) {
            case .found(let found): addresses = found
            case .noData, .noDomain:
                if servers == [domain] { return .nobody("the domain \(domain) has neither a mail server nor an address") }
                problems.append("the mail server \(server) has no address")
                continue
            case .failed(let failure):
                problems.append(failure.description)
                continue
            }
            let allowed = sender.allowsPrivate ? addresses : addresses.filter { !$0.isPrivate }
            guard !allowed.isEmpty else {
                problems.append("\(server) has an address inside a private network, and `private` is not set for sender \(sender.name)")
                continue
            }
            do {
                return .connected(try await connect(server, Array(allowed.prefix(Self.addressesMax)), policy))
            } catch let error as TransportError {
                problems.append(error.description)
            }
        }
        return .notNow(problems.joined(separator: "; "))
    }

    private func connect(_ server: String, _ addresses: [IPAddress], _ policy: MTASTSPolicy?) async throws -> SMTPClient {
        var endpoint = LineEndpoint("smtp://\(server):\(sender.port)", tls: sender.tls, helo: sender.helo)
        endpoint.addresses = addresses
        if sender.encryption == .required || policy?.mode == .enforce {
            endpoint.encryption = .verified
            return try await SMTPClient.connect(endpoint, on: loop, logger: logger)
        }
        if let policy { await report(policy, server) }
        endpoint.encryption = .whenOffered
        do {
            return try await SMTPClient.connect(endpoint, on: loop, logger: logger)
        } catch let error as TransportError where error.isAboutTLS {
            // RFC 7435 §3: some protection where possible, delivery in any case.
            logger.notice("Encryption failed; the mail goes in the clear.", metadata: ["server": "\(server)", "error": "\(error)"])
            endpoint.encryption = LineEncryption.none
            return try await SMTPClient.connect(endpoint, on: loop, logger: logger)
        }
    }

    /// A policy under test asks to be told, not obeyed (RFC 8461 §5).
    private func report(_ policy: MTASTSPolicy, _ server: String) async {
        guard !policy.allows(server) else { return }
        logger.notice("A mail server is not in its domain's MTA-STS policy, which is under test.", metadata: ["server": "\(server)"])
    }
}

extension TransportError {
    fileprivate var isAboutTLS: Bool {
        switch self {
        case .tlsFailed, .certificate: true
        default: false
        }
    }
}
