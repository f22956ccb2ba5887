import Domain
import Logging
import TestServers
import Testing
import Transport

@testable import Daemon

/// The doctor against a name server of the test: what it finds, what it says, what it tells to publish.
@Suite(.timeLimit(.minutes(10))) struct MailDoctorTests {
    typealias Zone = [String: [NameServer.Record]]

    private static func key(_ name: String, _ type: UInt16) -> String { "\(name) \(type)" }

    private static func zone(_ change: (inout Zone) -> Void = { _ in }) -> Zone {
        var zone: Zone = [:]
        func put(_ record: NameServer.Record) { zone[key(record.name, record.type), default: []].append(record) }
        put(.txt("shop.example", "v=spf1 ip4:192.0.2.7 include:spf.relay.example ~all"))
        put(.txt("spf.relay.example", "v=spf1 a:out.relay.example -all"))
        put(.a("out.relay.example", "198.51.100.1"))
        put(.txt("_dmarc.shop.example", "v=DMARC1; p=reject; rua=mailto:d@shop.example"))
        put(.txt("hy1._domainkey.shop.example", "v=DKIM1; k=rsa; p=KEY"))
        put(.mx("shop.example", 10, "mail.shop.example"))
        put(.a("mail.shop.example", "192.0.2.7"))
        put(.ptr("7.2.0.192.in-addr.arpa", "mail.shop.example"))
        put(.txt("_smtp._tls.shop.example", "v=TLSRPTv1; rua=mailto:t@shop.example"))
        change(&zone)
        return zone
    }

    private static func findings(_ zone: Zone, ip: String = "192.0.2.7", keys: Bool = true) async -> [MailDoctor.Finding] {
        let server = NameServer { question in
            let found = zone[Self.key(question.name, question.type)] ?? []
            return .init(found, code: 0)
        }
        let loop = TransferLoop(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let resolver = DNSResolver(loop: loop, servers: [DNSServer("127.0.0.1:\(server.port)")].compactMap { $0 })
        let key = (name: "hy1._domainkey.shop.example", record: "v=DKIM1; k=rsa; p=KEY", publicKey: "KEY")
        let facts = await MailFacts.gather(
            "shop.example", keys: keys ? [key] : [], addresses: [IPAddress(ip)].compactMap { $0 }, resolver: resolver, loop: loop)
        await loop.shutdown()
        return MailDoctor(facts).findings
    }

    @Test func `a domain that is in order has nothing wrong`() async {
        let findings = await Self.findings(Self.zone())
        #expect(findings.filter { $0.level == .wrong } == [])
        for topic in ["SPF", "DKIM", "DMARC", "PTR", "MX", "TLS-RPT"] {
            #expect(findings.contains { $0.topic == topic && $0.level == .good }, "\(topic)")
        }
        #expect(findings.allSatisfy { !$0.english.isEmpty && !$0.chinese.isEmpty })
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout Zone) -> Void
        var ip = "192.0.2.7"
        var topic: String
        var says: String
        var publish: String?
    }

    @Test(
        "what is wrong is said in words, with the record to publish",
        arguments: [
            Case(
                testDescription: "no SPF", change: { $0["shop.example 16"] = nil }, topic: "SPF", says: "there is no record",
                publish: "v=spf1 ip4:192.0.2.7 ~all"),
            Case(
                testDescription: "two SPF", change: { $0["shop.example 16"]?.append(.txt("shop.example", "v=spf1 mx -all")) }, topic: "SPF",
                says: "shop.example has several records", publish: "v=spf1 ip4:192.0.2.7 include:spf.relay.example mx ~all"),
            Case(
                testDescription: "open SPF", change: { $0["shop.example 16"] = [.txt("shop.example", "v=spf1 ip4:192.0.2.7 +all")] },
                topic: "SPF", says: "“+all” lets everybody send", publish: "v=spf1 ip4:192.0.2.7 ~all"),
            Case(
                testDescription: "a broken include", change: { $0["spf.relay.example 16"] = nil }, topic: "SPF",
                says: "it refers to spf.relay.example, which has no record"),
            Case(
                testDescription: "a typing error", change: { $0["shop.example 16"] = [.txt("shop.example", "v=spf1 ipv4:1.2.3.4 -all")] },
                topic: "SPF", says: "“ipv4:1.2.3.4” in the record of shop.example"),
            Case(
                testDescription: "a loop of includes",
                change: { $0["spf.relay.example 16"] = [.txt("spf.relay.example", "v=spf1 include:shop.example -all")] }, topic: "SPF",
                says: "it costs more than 10 questions"),
            Case(
                testDescription: "another machine", change: { _ in }, ip: "203.0.113.5", topic: "SPF",
                says: "203.0.113.5 may not send for shop.example (softfail)",
                publish: "v=spf1 ip4:203.0.113.5 ip4:192.0.2.7 include:spf.relay.example ~all"),
            Case(
                testDescription: "no DMARC", change: { $0["_dmarc.shop.example 16"] = nil }, topic: "DMARC", says: "there is no record",
                publish: "v=DMARC1; p=none; rua=mailto:postmaster@shop.example"),
            Case(
                testDescription: "a DMARC that cannot be read",
                change: { $0["_dmarc.shop.example 16"] = [.txt("_dmarc.shop.example", "v=DMARC1; p=no")] },
                topic: "DMARC", says: "receivers cannot read “v=DMARC1; p=no”"),
            Case(
                testDescription: "another key",
                change: { $0["hy1._domainkey.shop.example 16"] = [.txt("hy1._domainkey.shop.example", "p=OTHER")] },
                topic: "DKIM", says: "shows another key than the one we sign with", publish: "v=DKIM1; k=rsa; p=KEY"),
            Case(
                testDescription: "a key withdrawn",
                change: { $0["hy1._domainkey.shop.example 16"] = [.txt("hy1._domainkey.shop.example", "v=DKIM1; p=")] },
                topic: "DKIM", says: "says that the key is withdrawn", publish: "v=DKIM1; k=rsa; p=KEY"),
            Case(
                testDescription: "no key", change: { $0["hy1._domainkey.shop.example 16"] = nil }, topic: "DKIM", says: "has no record",
                publish: "v=DKIM1; k=rsa; p=KEY"),
            Case(testDescription: "no name", change: { _ in }, ip: "203.0.113.5", topic: "PTR", says: "203.0.113.5 has no name"),
            Case(
                testDescription: "a name that leads elsewhere",
                change: { $0["mail.shop.example 1"] = [.a("mail.shop.example", "192.0.2.9")] }, topic: "PTR",
                says: "which does not lead back to it", publish: "192.0.2.7"),
            Case(testDescription: "no MX", change: { $0["shop.example 15"] = nil }, topic: "MX", says: "there is no mail server"),
            Case(
                testDescription: "null MX", change: { $0["shop.example 15"] = [.mx("shop.example", 0, "")] }, topic: "MX",
                says: "takes no mail (RFC 7505)"),
            Case(
                testDescription: "MX without address", change: { $0["mail.shop.example 1"] = nil }, topic: "MX",
                says: "mail.shop.example has no address"),
            Case(
                testDescription: "a wrong MTA-STS",
                change: { $0["_mta-sts.shop.example 16"] = [.txt("_mta-sts.shop.example", "v=STSv1;")] }, topic: "MTA-STS",
                says: "the record is wrong"),
        ])
    func wrong(_ one: Case) async {
        let findings = await Self.findings(Self.zone(one.change), ip: one.ip).filter { $0.level == .wrong && $0.topic == one.topic }
        #expect(
            findings.contains { $0.english.contains(one.says) && (one.publish == nil || $0.publish?.value == one.publish) }, "\(findings)")
    }

    @Test func `a domain nobody signs for is told how to begin`() async {
        let findings = await Self.findings(Self.zone(), keys: false)
        #expect(findings.contains { $0.topic == "DKIM" && $0.english.contains("hongyan dkim new shop.example hy1") })
    }

    @Test func `a subdomain takes the policy of the domain above`() async {
        let zone = Self.zone {
            $0["_dmarc.shop.example 16"] = [.txt("_dmarc.shop.example", "v=DMARC1; p=reject; sp=none; rua=mailto:x@y.example")]
        }
        let server = NameServer { .init(zone[Self.key($0.name, $0.type)] ?? []) }
        let loop = TransferLoop(logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let resolver = DNSResolver(loop: loop, servers: [DNSServer("127.0.0.1:\(server.port)")].compactMap { $0 })
        let facts = await MailFacts.gather("news.shop.example", keys: [], addresses: [], resolver: resolver, loop: loop)
        await loop.shutdown()
        #expect(facts.dmarcName == "_dmarc.shop.example")
        #expect(MailDoctor(facts).findings.contains { $0.topic == "DMARC" && $0.english.contains("p=none only watches") })
    }
}

extension NameServer.Record {
    fileprivate static func txt(_ name: String, _ text: String) -> Self { .txt(name, [text]) }
}
