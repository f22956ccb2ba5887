import Testing

@testable import Formats

/// The records that say who may send for a domain.
@Suite struct MailPolicyTests {
    @Test func `an SPF record is read term by term`() throws {
        let record = try SPFRecord(
            "v=spf1 +mx a:out.example/28//64 ip4:192.0.2.0/24 ip6:2001:db8::/32 include:x.example ?exists:%{i}.y ptr ~ALL exp=e.example")
        #expect(record.terms.count == 8)
        #expect(record.terms[0] == .init(result: .pass, mechanism: .mx(nil, v4: 32, v6: 128)))
        #expect(record.terms[1] == .init(result: .pass, mechanism: .a("out.example", v4: 28, v6: 64)))
        #expect(record.terms[2] == .init(result: .pass, mechanism: .ip4([192, 0, 2, 0], bits: 24)))
        #expect(record.terms[4] == .init(result: .pass, mechanism: .include("x.example")))
        #expect(record.terms[5].result == .neutral)
        #expect(record.terms[7] == .init(result: .softfail, mechanism: .all))
        #expect(try SPFRecord("v=spf1 redirect=_spf.example").redirect == "_spf.example")
    }

    @Test(
        "a term that is none is named",
        arguments: [
            "ip4:192.0.2.300", "ip4:192.0.2.0/33", "ip6:192.0.2.1", "includes:x", "include:", "all:x", "a:", "mx/99", "redirect=", "1=2",
            "a//200",
        ])
    func mistakes(term: String) {
        #expect(throws: SPFRecord.Mistake(term: term)) { try SPFRecord("v=spf1 \(term) -all") }
    }

    @Test(
        "only what begins with v=spf1 is meant",
        arguments: [
            ("v=spf1", true), ("V=SPF1 -all", true), ("v=spf10 -all", false), (" v=spf1", false), ("google-site-verification=x", false),
        ])
    func meant(text: String, isMeant: Bool) { #expect(SPFRecord.isMeant(text) == isMeant) }

    @Test(
        "an address lies in a network or not",
        arguments: [
            ([192, 0, 2, 0], 24, [192, 0, 2, 255], true), ([192, 0, 2, 0], 25, [192, 0, 2, 128], false),
            ([10, 0, 0, 0], 0, [8, 8, 8, 8], true),
            ([192, 0, 2, 1], 32, [192, 0, 2, 1], true), ([192, 0, 2, 1], 31, [192, 0, 2, 0], true),
            ([192, 0, 2, 1], 8, [0, 0, 0, 0, 0, 0], false),
        ] as [([UInt8], Int, [UInt8], Bool)])
    func networks(network: [UInt8], bits: Int, address: [UInt8], isInside: Bool) {
        #expect(SPFRecord.contains(network, bits: bits, address) == isInside)
    }

    @Test(
        "addresses in text",
        arguments: [
            ("192.0.2.1", [192, 0, 2, 1]), ("::1", [UInt8](repeating: 0, count: 15) + [1]),
            ("2001:db8::ff", [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [0xFF]),
            ("::ffff:192.0.2.1", [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 0, 2, 1]), ("192.0.2", nil), ("1:2:3", nil),
            ("::1::", nil),
            ("192.0.2.256", nil), ("12345::", nil), ("", nil),
        ] as [(String, [UInt8]?)])
    func addresses(text: String, bytes: [UInt8]?) { #expect(AddressText.bytes(text) == bytes) }

    @Test func `a DMARC record`() throws {
        let record = try #require(
            DMARCRecord("v=DMARC1; p=Quarantine; sp=reject; pct=20; adkim=s; rua=mailto:a@x.example, mailto:b@x.example;"))
        #expect(record.policy == .quarantine && record.subdomainPolicy == .reject && record.percent == 20)
        #expect(record.isStrictForDKIM && !record.isStrictForSPF)
        #expect(record.reports == ["mailto:a@x.example", "mailto:b@x.example"])
        #expect(DMARCRecord("v=DMARC1; rua=mailto:a@x.example")?.policy == DMARCRecord.Policy.none)
        for text in ["v=DMARC1", "v=DMARC1; p=maybe", "p=none; v=DMARC1", "v=DMARC2; p=none", "v=spf1 -all", ""] {
            #expect(DMARCRecord(text) == nil, "\(text)")
        }
    }

    @Test func `a DKIM record`() throws {
        let record = try #require(DKIMRecord("v=DKIM1; k=ed25519; p=AB C=; t=s:y; h=sha1 : sha256"))
        #expect(record == DKIMRecord("k=ed25519; h=sha256; t=y; p=ABC="))
        #expect(record.keyType == "ed25519" && record.publicKey == "ABC=" && record.isTest && record.takesSHA256)
        #expect(DKIMRecord("v=DKIM1; p=")?.publicKey == "")
        #expect(DKIMRecord("v=DKIM1; h=sha1; p=A")?.takesSHA256 == false)
        for text in ["v=DKIM1; k=rsa", "v=DKIM2; p=A", "hello", "p=A; p=B"] { #expect(DKIMRecord(text) == nil, "\(text)") }
    }

    @Test(
        "a policy's star stands for one label",
        arguments: [
            ("mx1.example.com", true), ("example.com", false), ("a.b.example.com", false), ("MAIL.other.example", true),
            ("x.other.example", false),
        ])
    func policyNames(host: String, isAllowed: Bool) throws {
        let text = "version: STSv1\nmode: enforce\nmx: *.example.com\nmx: mail.other.example\nmax_age: 604800\n"
        #expect(try #require(MTASTSPolicy(text)).allows(host) == isAllowed)
    }

    @Test(
        "what is no policy is none",
        arguments: [
            "", "version: STSv2\nmode: enforce\nmx: a\nmax_age: 1\n", "version: STSv1\nmode: enforce\nmax_age: 1\n",
            "version: STSv1\nmode: enforce\nmx: a\nmax_age: -1\n", "version: STSv1\nmode: enforce\nmx: a\n",
            "version: STSv1\nmode: strict\nmx: a\nmax_age: 1\n",
        ])
    func noPolicy(text: String) {
        #expect(MTASTSPolicy(text) == nil)
    }

    @Test func `a policy's id counts only when there is one record`() {
        #expect(MTASTSRecord.id(in: ["v=spf1 -all", "v=STSv1; id=20160831085700Z;"]) == "20160831085700Z")
        #expect(MTASTSRecord.id(in: ["v=STSv1; id=1", "v=STSv1; id=2"]) == nil)
        #expect(MTASTSRecord.id(in: ["v=STSv10; id=1"]) == nil)
    }

    @Test func `a policy that names too many servers is none, not half of one`() {
        func text(_ count: Int) -> String {
            "version: STSv1\nmode: enforce\nmax_age: 1\n" + (0..<count).map { "mx: m\($0).example\n" }.joined()
        }
        #expect(MTASTSPolicy(text(200))?.allows("m199.example") == true)
        #expect(MTASTSPolicy(text(201)) == nil)
    }

    @Test func `MTA-STS: the record, the policy, and which hosts it names`() throws {
        #expect(MTASTSRecord("v=STSv1; id=20260101T000000;")?.id == "20260101T000000")
        for text in ["id=1; v=STSv1", "v=STSv1", "v=STSv1; id=a-b", "v=STSv1; id=" + String(repeating: "1", count: 33)] {
            #expect(MTASTSRecord(text) == nil, "\(text)")
        }
        let policy = try #require(
            MTASTSPolicy(
                "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmode: none\r\nmax_age: 99999999999\r\n"))
        #expect(policy.mode == .enforce && policy.maxAgeSeconds == MTASTSPolicy.secondsMax)
        for host in ["mail.example.com", "MAIL.example.com.", "a.example.net"] { #expect(policy.allows(host), "\(host)") }
        for host in ["example.net", "a.b.example.net", "x.example.com", "evilexample.net"] { #expect(!policy.allows(host), "\(host)") }
        #expect(MTASTSPolicy("version: STSv1\nmode: none\nmax_age: 1") != nil)
        for text in [
            "", "version: STSv1\nmode: enforce\nmax_age: 1", "version: STSv1\nmode: maybe\nmx: a\nmax_age: 1", "mode: none\nmax_age: 1",
        ] {
            #expect(MTASTSPolicy(text) == nil, "\(text)")
        }
        #expect(TLSReportRecord("v=TLSRPTv1; rua=mailto:a@x.example")?.reports == ["mailto:a@x.example"])
        #expect(TLSReportRecord("v=TLSRPTv1") == nil)
    }
}
