import Domain
import Transport

/// Which servers take mail for a domain (RFC 5321 §5.1), as far as the DNS says.
enum MXPlan: Sendable, Equatable {
    /// In the order they are tried; equals were shuffled.
    case servers([String])
    /// Nobody ever will, in words for the sender.
    case nobody(String)
    /// The DNS did not answer.
    case unknown(String)

    /// Servers tried for one message. RFC 5321 §5.1 wants two at least.
    static let serversMax = 6

    init(_ domain: String, _ answer: DNSLookup<MXRecord>, shuffle: ([String]) -> [String] = { $0.shuffled() }) {
        switch answer {
        case .found(let records):
            // RFC 7505 §3: a null MX stands alone; beside others it is a mistake and passed over.
            let real = records.filter { !$0.isNull }
            guard !real.isEmpty else {
                self = .nobody("\(domain) takes no mail: it says so by a null MX (RFC 7505)")
                return
            }
            var servers: [String] = []
            for preference in Set(real.map(\.preference)).sorted() {
                servers += shuffle(real.filter { $0.preference == preference }.map(\.host))
            }
            var seen: Set<String> = []
            self = .servers(Array(servers.filter { seen.insert($0).inserted }.prefix(Self.serversMax)))
        case .noData: self = .servers([domain])  // the implicit MX
        case .noDomain: self = .nobody("the domain \(domain) does not exist")
        case .failed(let failure): self = .unknown(failure.description)
        }
    }

    /// The domain of an address as the DNS is asked for it; nil for an address literal, which nobody may send us to.
    static func domain(of address: String) -> String? {
        guard let at = address.lastIndex(of: "@") else { return nil }
        let domain = address[address.index(after: at)...].lowercased()
        return domain.isEmpty || domain.hasPrefix("[") ? nil : domain
    }
}
