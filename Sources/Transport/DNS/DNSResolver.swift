internal import CCurl
import Glibc
import Synchronization

/// The answer to a question about a name.
public enum DNSLookup<Record: Sendable & Equatable>: Sendable, Equatable {
    /// At least one, in the order they came.
    case found([Record])
    /// The name exists and has no record of this kind.
    case noData
    /// There is no such name (NXDOMAIN), or it cannot be one.
    case noDomain
    /// Nobody knows now; ask again later.
    case failed(DNSFailure)

    /// Empty when there are none for whatever reason.
    public var records: [Record] { if case .found(let records) = self { records } else { [] } }
}

/// Why a question was not answered, in words for the operator.
public struct DNSFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// The server could not or would not answer (SERVFAIL, REFUSED).
        case serverFailure
        case timeout
        /// No server could be reached, or what came was no answer.
        case network
        case cancelled
    }
    public let kind: Kind
    public let description: String
}

/// A mail server of a domain (RFC 5321 §5.1).
public struct MXRecord: Sendable, Equatable, Hashable {
    /// The lowest is tried first.
    public let preference: Int
    /// Empty for `MX 0 .`, which says that the domain takes no mail (RFC 7505).
    public let host: String

    public init(preference: Int, host: String) {
        self.preference = preference
        self.host = host
    }

    public var isNull: Bool { host.isEmpty }
}

/// A stub resolver (RFC 1034 §5.3.1): asks the machine's name servers, follows aliases, remembers answers as long as they allow.
/// Questions wait on the transfer loop; no thread waits with them.
public final class DNSResolver: Sendable {
    /// Aliases followed from one name (RFC 1034 §3.6.2 wants none at all behind an MX).
    static let aliasesMax = 8
    static let configuration = "/etc/resolv.conf"
    /// How often the machine's configuration is read again.
    static let rereadAfter: Duration = .seconds(60)

    private struct State {
        var cache = DNSCache()
        var servers: [DNSServer]
        var readAt: ContinuousClock.Instant?
    }

    private let loop: TransferLoop
    private let timeout: Duration
    private let tries: Int
    private let isFixed: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - servers: the machine's own (/etc/resolv.conf) when empty.
    ///   - timeout: of one question to one server.
    ///   - tries: how often each server is asked.
    public init(
        loop: TransferLoop, servers: [DNSServer] = [], timeout: Duration = .seconds(3), tries: Int = 2
    ) {
        self.loop = loop
        self.timeout = timeout
        self.tries = max(1, tries)
        isFixed = !servers.isEmpty
        state = Mutex(State(servers: Array(servers.prefix(DNSServer.serversMax))))
    }

    // MARK: Questions

    /// The mail servers of a domain, best first. No sorting among equals; `noData` means: its own address is its mail server.
    public func mx(_ domain: String) async -> DNSLookup<MXRecord> {
        await lookup(domain, .mx) { value in
            if case .mail(let preference, let host) = value {
                MXRecord(preference: Int(preference), host: host)
            } else {
                nil
            }
        }.sorted { $0.preference < $1.preference }
    }

    /// IPv4 addresses first, then IPv6. An address in text and `localhost` are answered without asking.
    public func addresses(_ host: String) async -> DNSLookup<IPAddress> {
        if let address = IPAddress(host) { return .found([address]) }
        if host == "localhost" { return .found([IPAddress("127.0.0.1")!, IPAddress("::1")!]) }  // RFC 6761 §6.3
        async let v4 = lookup(host, .a, address)
        async let v6 = lookup(host, .aaaa, address)
        let found = await (v4, v6)
        switch found {
        case (.found, _), (_, .found): return .found(found.0.records + found.1.records)
        case (.failed, _): return found.0
        case (_, .failed): return found.1
        case (.noDomain, _): return .noDomain
        default: return .noData
        }
    }

    /// Each record's strings joined (RFC 7208 §3.3); bytes that are no UTF-8 become U+FFFD.
    public func txt(_ name: String) async -> DNSLookup<String> {
        await lookup(name, .txt) { value in
            if case .text(let bytes) = value { String(decoding: bytes, as: UTF8.self) } else { nil }
        }
    }

    /// The names of an address.
    public func ptr(_ address: IPAddress) async -> DNSLookup<String> {
        await lookup(address.reverseName, .ptr) { value in
            if case .pointer(let name) = value { name } else { nil }
        }
    }

    private let address: @Sendable (DNSMessage.Value) -> IPAddress? = { value in
        if case .address(let address) = value { address } else { nil }
    }

    private func lookup<Record>(
        _ name: String, _ type: DNSType, _ record: @Sendable (DNSMessage.Value) -> Record?
    ) async -> DNSLookup<Record> {
        guard let name = DNSName(name) else { return .noDomain }
        switch await outcome(name, type) {
        case .records(let values):
            let records = values.compactMap(record)
            return records.isEmpty ? .noData : .found(records)
        case .missing(let isDomainMissing): return isDomainMissing ? .noDomain : .noData
        case .failed(let failure): return .failed(failure)
        }
    }

    // MARK: Asking

    private func outcome(_ name: DNSName, _ type: DNSType) async -> DNSOutcome {
        let key = DNSCache.Key(name: name, type: type)
        if let known = state.withLock({ $0.cache.get(key, at: .now) }) { return known }
        let (outcome, seconds) = await resolve(name, type)
        if case .failed(let failure) = outcome, failure.kind == .cancelled { return outcome }
        state.withLock { $0.cache.put(key, outcome, seconds: seconds, at: .now) }
        return outcome
    }

    /// Follows aliases: within one answer, and by asking again where the answer ends with one.
    private func resolve(_ name: DNSName, _ type: DNSType) async -> (DNSOutcome, seconds: UInt32) {
        var name = name
        var seconds = UInt32.max
        var aliases = 0
        while true {
            let answer: DNSMessage
            do { answer = try await ask(name, type) } catch let failure as DNSFailure {
                return (.failed(failure), DNSCache.failure)
            } catch {
                return (.failed(DNSFailure(kind: .cancelled, description: "the question was cancelled")), 0)
            }
            let asked = name.description
            var owner = asked
            while let alias = answer.answers.first(where: { $0.name == owner && $0.data.alias != nil }),
                let target = alias.data.alias
            {
                aliases += 1
                seconds = min(seconds, alias.seconds)
                owner = target
                guard aliases <= Self.aliasesMax else {
                    let words = "\(asked) is an alias of an alias, more than \(Self.aliasesMax) times"
                    return (.failed(DNSFailure(kind: .serverFailure, description: words)), DNSCache.failure)
                }
            }
            let records = answer.answers.filter { $0.name == owner && $0.data.type == type }
            if !records.isEmpty {
                return (.records(records.map(\.data)), records.reduce(seconds) { min($0, $1.seconds) })
            }
            if answer.code == 3 || owner == asked {
                return (.missing(isDomainMissing: answer.code == 3), min(seconds, answer.missingSeconds))
            }
            guard let next = DNSName(owner) else {
                return (.missing(isDomainMissing: true), min(seconds, answer.missingSeconds))
            }
            name = next
        }
    }

    /// Asks each server in turn until one answers.
    private func ask(_ name: DNSName, _ type: DNSType) async throws -> DNSMessage {
        let servers = await servers()
        var failure = DNSFailure(kind: .network, description: "no name server is configured")
        for round in 0..<tries {
            for server in servers {
                try Task.checkCancellation()
                do {
                    // Servers that do not repeat our letters as they were would never be heard; the last round asks without the trick.
                    return try await ask(server, name, type, randomCase: round == 0 || round < tries - 1)
                } catch let problem as DNSFailure {
                    failure = problem
                }
            }
        }
        throw failure
    }

    private func ask(_ server: DNSServer, _ name: DNSName, _ type: DNSType, randomCase: Bool)
        async throws -> DNSMessage
    {
        for extended in [true, false] {
            let query = DNSQuery(name, type, randomCase: randomCase, extended: extended)
            let answer: DNSMessage
            do {
                answer = try await exchange(server, query)
            } catch let problem as DNSExchange.Failure {
                throw Self.failure(problem, server, name)
            }
            switch answer.code {
            case 0, 3: return answer
            case 1 where extended, 4 where extended: continue  // it does not understand the extension (RFC 6891 §7)
            default:
                throw DNSFailure(
                    kind: .serverFailure,
                    description:
                        "the name server \(server) could not answer for \(name): \(Self.words(answer.code))")
            }
        }
        throw DNSFailure(
            kind: .serverFailure,
            description: "the name server \(server) does not understand the question for \(name)")
    }

    private func exchange(_ server: DNSServer, _ query: DNSQuery) async throws -> DNSMessage {
        try await loop.perform { [timeout] core, id, continuation in
            DNSExchange(id: id, server: server, query: query, timeout: timeout).start(
                in: core, continuation)
        }
    }

    private static func failure(_ problem: DNSExchange.Failure, _ server: DNSServer, _ name: DNSName)
        -> DNSFailure
    {
        switch problem {
        case .timedOut:
            DNSFailure(
                kind: .timeout, description: "the name server \(server) did not answer for \(name) in time")
        case .network(let reason):
            DNSFailure(
                kind: .network, description: "the name server \(server) cannot be reached: \(reason)")
        case .malformed(let reason):
            DNSFailure(
                kind: .network,
                description:
                    "the name server \(server) answered against the protocol for \(name): \(reason)")
        }
    }

    private static func words(_ code: UInt8) -> String {
        switch code {
        case 1: "FORMERR"
        case 2: "SERVFAIL"
        case 4: "NOTIMP"
        case 5: "REFUSED"
        default: "code \(code)"
        }
    }

    // MARK: Servers

    /// Given ones, or those of the machine, whose file may change while we run. It is read on the loop's thread, never on the pool.
    private func servers() async -> [DNSServer] {
        let known: [DNSServer]? = state.withLock { state in
            if isFixed { return state.servers }
            guard let readAt = state.readAt, .now - readAt < Self.rereadAfter else { return nil }
            return state.servers
        }
        if let known { return known }
        let text = await withCheckedContinuation { (continuation: CheckedContinuation<String, Never>) in
            if !loop.mailbox.post({ _ in continuation.resume(returning: Self.readConfiguration()) }) {
                continuation.resume(returning: "")
            }
        }
        let servers = DNSServer.configured(text)
        state.withLock { state in
            state.servers = servers
            state.readAt = .now
        }
        return servers
    }

    private static func readConfiguration() -> String {
        let file = open(configuration, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { Glibc.close(file) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

extension DNSLookup {
    fileprivate func sorted(by isBefore: (Record, Record) -> Bool) -> DNSLookup {
        // Stable: equals stay in the order they came.
        guard case .found(let records) = self else { return self }
        let order = records.enumerated().sorted {
            isBefore($0.element, $1.element)
                || (!isBefore($1.element, $0.element) && $0.offset < $1.offset)
        }
        return .found(order.map(\.element))
    }
}

extension DNSMessage.Value {
    fileprivate var alias: String? { if case .alias(let name) = self { name } else { nil } }

    fileprivate var type: DNSType {
        switch self {
        case .address(let address): address.isIPv6 ? .aaaa : .a
        case .mail: .mx
        case .text: .txt
        case .pointer: .ptr
        case .alias: .cname
        case .authority: .soa
        }
    }
}

extension DNSMessage {
    /// How long the absence may be remembered: the lesser of the SOA's own time and its last number (RFC 2308 §5); not at all without one.
    fileprivate var missingSeconds: UInt32 {
        for record in authority {
            if case .authority(let minimum) = record.data { return min(record.seconds, minimum) }
        }
        return 0
    }
}
