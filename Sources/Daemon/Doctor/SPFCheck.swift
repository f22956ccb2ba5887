import Formats
import Transport

/// Follows an SPF record as a receiver does (RFC 7208 §4.6), and counts what that costs.
struct SPFCheck: Sendable {
    /// Questions to DNS that one check may cost (§4.6.4); a receiver gives up above it.
    static let lookupsMax = 10
    /// Names of one `mx` (§4.6.4).
    static let hostsMax = 10
    static let depthMax = 10

    enum Verdict: Sendable, Hashable {
        /// No record.
        case none
        case result(SPFRecord.Result, lookups: Int)
        /// Receivers treat the domain as if it had a broken record, for this reason.
        case broken(Problem)
        case unknown(String)
    }

    enum Problem: Sendable, Hashable {
        case severalRecords(String)
        case mistake(term: String, domain: String)
        case lookups
        case missing(String)
    }

    let resolver: DNSResolver

    /// - Parameter address: nil walks through the whole record, to count.
    func run(_ domain: String, from address: IPAddress?) async -> Verdict {
        var walk = Walk(resolver: resolver, address: address?.bytes)
        do {
            guard let result = try await walk.check(domain, depth: 0) else { return .none }
            return .result(result, lookups: walk.lookups)
        } catch let stop as Stop {
            switch stop {
            case .broken(let problem): return .broken(problem)
            case .unknown(let why): return .unknown(why)
            }
        } catch { return .unknown("\(error)") }
    }

    private enum Stop: Error {
        case broken(Problem)
        case unknown(String)
    }

    private struct Walk {
        let resolver: DNSResolver
        let address: [UInt8]?
        var lookups = 0

        /// Nil without a record.
        mutating func check(_ domain: String, depth: Int) async throws -> SPFRecord.Result? {
            guard depth <= depthMax else { throw Stop.broken(.lookups) }
            let texts = try found(await resolver.txt(domain)).filter(SPFRecord.isMeant)
            guard let text = texts.first else { return nil }
            guard texts.count == 1 else { throw Stop.broken(.severalRecords(domain)) }
            let record: SPFRecord
            do { record = try SPFRecord(text) } catch { throw Stop.broken(.mistake(term: error.term, domain: domain)) }
            for term in record.terms where try await matches(term.mechanism, domain, depth) { return term.result }
            if let next = record.redirect, !record.terms.contains(where: { $0.mechanism == .all }) {
                try count()
                guard !next.contains("%") else { return .neutral }
                guard let result = try await check(next, depth: depth + 1) else { throw Stop.broken(.missing(next)) }
                return result
            }
            return .neutral
        }

        private mutating func matches(_ mechanism: SPFRecord.Mechanism, _ domain: String, _ depth: Int) async throws -> Bool {
            switch mechanism {
            case .all: return address != nil
            case .ip4(let network, let bits), .ip6(let network, let bits):
                return address.map { SPFRecord.contains(network, bits: bits, $0) } ?? false
            case .include(let name):
                try count()
                guard !name.contains("%") else { return false }
                guard let result = try await check(name, depth: depth + 1) else { throw Stop.broken(.missing(name)) }
                return result == .pass && address != nil
            case .a(let name, let v4, let v6):
                try count()
                return try await hasAddress(name ?? domain, v4, v6)
            case .mx(let name, let v4, let v6):
                try count()
                guard !(name ?? "").contains("%") else { return false }
                for record in try found(await resolver.mx(name ?? domain)).prefix(hostsMax) where !record.isNull {
                    if try await hasAddress(record.host, v4, v6) { return true }
                }
                return false
            case .ptr, .exists:
                // What a receiver would find depends on macros and on names of the address; it costs a question in any case.
                try count()
                return false
            }
        }

        private func hasAddress(_ host: String, _ v4: Int, _ v6: Int) async throws -> Bool {
            guard let address, !host.contains("%") else { return false }
            return try found(await resolver.addresses(host)).contains { known in
                SPFRecord.contains(known.bytes, bits: known.isIPv6 ? v6 : v4, address)
            }
        }

        private mutating func count() throws {
            lookups += 1
            if lookups > lookupsMax { throw Stop.broken(.lookups) }
        }

        private func found<Record: Sendable & Equatable>(_ answer: DNSLookup<Record>) throws -> [Record] {
            if case .failed(let failure) = answer { throw Stop.unknown(failure.description) }
            return answer.records
        }
    }
}
