import Formats
import FoundationEssentials
import Transport

/// What DNS and the policy server say about a domain, gathered before anything is judged.
struct MailFacts: Sendable {
    /// A key that the settings sign with.
    struct Key: Sendable {
        var name: String
        var record: String
        var publicKey: String
        var found: DNSLookup<String>
    }

    struct Host: Sendable {
        var name: String
        var addresses: DNSLookup<IPAddress>
    }

    struct Address: Sendable {
        var address: IPAddress
        var names: DNSLookup<String>
        /// The first of the names that leads back to the address.
        var confirmed: String?
        var spf: SPFCheck.Verdict
    }

    enum PolicyFile: Sendable, Equatable {
        case unasked
        case text(String)
        case failed(String)
    }

    var domain: String
    var spf: DNSLookup<String>
    var spfLookups: SPFCheck.Verdict
    var dmarc: DNSLookup<String>
    /// Where the DMARC record was found or should stand.
    var dmarcName: String
    var keys: [Key]
    var mx: DNSLookup<MXRecord>
    var hosts: [Host]
    var addresses: [Address]
    var sts: DNSLookup<String>
    var policy: PolicyFile
    var tlsReports: DNSLookup<String>

    static let hostsMax = 10
    static let policyTimeout: Duration = .seconds(20)

    /// - Parameters:
    ///   - keys: name, record and public key of what the settings sign with for this domain.
    ///   - addresses: those that mail leaves from.
    static func gather(
        _ domain: String, keys: [(name: String, record: String, publicKey: String)], addresses: [IPAddress], resolver: DNSResolver,
        loop: TransferLoop
    ) async -> MailFacts {
        let check = SPFCheck(resolver: resolver)
        async let spf = resolver.txt(domain)
        async let counted = check.run(domain, from: nil)
        async let mx = resolver.mx(domain)
        async let sts = resolver.txt("_mta-sts.\(domain)")
        async let reports = resolver.txt("_smtp._tls.\(domain)")
        let (dmarc, dmarcName) = await Self.dmarc(domain, resolver)
        var facts = MailFacts(
            domain: domain, spf: await spf, spfLookups: await counted, dmarc: dmarc, dmarcName: dmarcName, keys: [], mx: await mx,
            hosts: [],
            addresses: [], sts: await sts, policy: .unasked, tlsReports: await reports)
        for key in keys {
            let found = await resolver.txt(key.name)
            facts.keys.append(Key(name: key.name, record: key.record, publicKey: key.publicKey, found: found))
        }
        for record in facts.mx.records.prefix(hostsMax) where !record.isNull {
            facts.hosts.append(Host(name: record.host, addresses: await resolver.addresses(record.host)))
        }
        for address in addresses { facts.addresses.append(await Self.address(address, domain, resolver, check)) }
        if facts.sts.records.contains(where: { MTASTSRecord($0) != nil }) { facts.policy = await policy(domain, loop) }
        return facts
    }

    /// The domain's own record, else that of the domain above it, up to two labels (the tree walk of DMARCbis, without a list of suffixes).
    private static func dmarc(_ domain: String, _ resolver: DNSResolver) async -> (DNSLookup<String>, String) {
        let own = "_dmarc.\(domain)"
        let first = await resolver.txt(own)
        if first.records.contains(where: DMARCRecord.isMeant) { return (first, own) }
        if case .failed = first { return (first, own) }
        var labels = domain.split(separator: ".")
        while labels.count > 2 {
            labels.removeFirst()
            let name = "_dmarc.\(labels.joined(separator: "."))"
            let found = await resolver.txt(name)
            if found.records.contains(where: DMARCRecord.isMeant) { return (found, name) }
        }
        return (first, own)
    }

    private static func address(_ address: IPAddress, _ domain: String, _ resolver: DNSResolver, _ check: SPFCheck) async -> Address {
        let names = await resolver.ptr(address)
        var confirmed: String?
        for name in names.records.prefix(hostsMax) where confirmed == nil {
            if await resolver.addresses(name).records.contains(address) { confirmed = name }
        }
        return Address(address: address, names: names, confirmed: confirmed, spf: await check.run(domain, from: address))
    }

    /// RFC 8461 §3.3: https with a good certificate, no redirects.
    private static func policy(_ domain: String, _ loop: TransferLoop) async -> PolicyFile {
        var request = HTTPRequest("GET", "https://mta-sts.\(domain)/.well-known/mta-sts.txt")
        request.redirectsMax = 0
        request.sizeBytesMax = MTASTSPolicy.sizeBytesMax
        request.totalTimeout = policyTimeout
        do {
            let answer = try await loop.http(request)
            guard answer.status == 200 else { return .failed("HTTP \(answer.status)") }
            return .text(String(decoding: answer.body, as: UTF8.self))
        } catch { return .failed("\(error)") }
    }
}
