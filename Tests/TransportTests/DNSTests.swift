import Domain
import Logging
import TestServers
import Testing

@testable import Transport

@Suite struct DNSTests {
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func with<T>(
        _ servers: [NameServer], timeout: Duration = .seconds(5), tries: Int = 2,
        _ body: (DNSResolver) async throws -> T
    ) async throws -> T {
        let loop = TransferLoop(logger: Self.quiet)
        let places = servers.compactMap { DNSServer("127.0.0.1:\($0.port)") }
        let result = try await body(
            DNSResolver(loop: loop, servers: places, timeout: timeout, tries: tries))
        await loop.shutdown()
        return result
    }

    @Test(.timeLimit(.minutes(10)))
    func `mail servers come best first, equals in the order of the answer`() async throws {
        let server = NameServer { question in
            .init([
                .mx(question.name, 20, "c.example"), .mx(question.name, 10, "b.example"),
                .mx(question.name, 10, "A.example"),
            ])
        }
        try await with([server]) { resolver in
            let wanted = [("b.example", 10), ("a.example", 10), ("c.example", 20)].map {
                MXRecord(preference: $0.1, host: $0.0)
            }
            #expect(await resolver.mx("Example.COM") == .found(wanted))
            #expect(await resolver.mx("example.com.") == .found(wanted))
            #expect(server.questions.count == 1, "the second answer comes from memory")
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a null MX is a record with an empty host`() async throws {
        let server = NameServer { .init([.mx($0.name, 0, "")]) }
        try await with([server]) { resolver in
            #expect(await resolver.mx("nomail.example").records.map(\.isNull) == [true])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `no such name, no such record, a server that fails and one that is silent are four things`()
        async throws
    {
        let server = NameServer { question in
            switch question.name {
            case "nowhere.example": .init(code: 3)
            case "empty.example": .init()
            case "broken.example": .init(code: 2)
            case "closed.example": .init(code: 5)
            default:
                {
                    var silent = NameServer.Answer()
                    silent.isSilent = true
                    return silent
                }()
            }
        }
        try await with([server], timeout: .milliseconds(150)) { resolver in
            #expect(await resolver.mx("nowhere.example") == .noDomain)
            #expect(await resolver.mx("not a name") == .noDomain)
            #expect(await resolver.mx("empty.example") == .noData)
            #expect(await resolver.addresses("nowhere.example") == .noDomain)
            #expect(await resolver.addresses("empty.example") == .noData)
            guard case .failed(let broken) = await resolver.mx("broken.example") else {
                throw Unexpected()
            }
            #expect(broken.kind == .serverFailure)
            #expect(
                broken.description
                    == "the name server 127.0.0.1:\(server.port) could not answer for broken.example: SERVFAIL"
            )
            guard case .failed(let closed) = await resolver.mx("closed.example") else {
                throw Unexpected()
            }
            #expect(closed.description.hasSuffix("for closed.example: REFUSED"))
            guard case .failed(let silent) = await resolver.mx("silent.example") else {
                throw Unexpected()
            }
            #expect(silent.kind == .timeout)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a second server is asked when the first one fails`()
        async throws
    {
        let first = NameServer { _ in .init(code: 2) }
        let second = NameServer { .init([.a($0.name, "192.0.2.7")]) }
        try await with([first, second]) { resolver in
            #expect(await resolver.addresses("a.example").records.map(\.description) == ["192.0.2.7"])
        }
    }

    @Test(.timeLimit(.minutes(10))) func `an answer that does not fit is fetched by stream`()
        async throws
    {
        let long = (0..<40).map { String(repeating: "x", count: 200) + "\($0)" }
        let server = NameServer { question in
            var answer = NameServer.Answer(question.isStream ? [.txt(question.name, long)] : [])
            answer.isTruncated = !question.isStream
            return answer
        }
        try await with([server]) { resolver in
            #expect(await resolver.txt("long.example") == .found([long.joined()]))
            #expect(server.questions.map(\.isStream) == [false, true])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `aliases are followed within an answer and from answer to answer`() async throws {
        let server = NameServer { question in
            switch (question.name, question.type) {
            case ("www.example", 1):
                .init([.cname("www.example", "a.example"), .cname("a.example", "b.example")])
            case ("b.example", 1):
                .init([.a("b.example", "192.0.2.1"), .a("other.example", "203.0.113.9")])
            default: .init()
            }
        }
        try await with([server]) { resolver in
            #expect(await resolver.addresses("www.example").records.map(\.description) == ["192.0.2.1"])
        }
    }

    @Test(.timeLimit(.minutes(10))) func `aliases in a circle end with an error, not with a hang`()
        async throws
    {
        let server = NameServer { question in
            .init([.cname(question.name, question.name == "a.example" ? "b.example" : "a.example")])
        }
        try await with([server]) { resolver in
            guard case .failed(let failure) = await resolver.mx("a.example") else { throw Unexpected() }
            #expect(failure.kind == .serverFailure)
            #expect(server.questions.count <= DNSResolver.aliasesMax + 1)
        }
    }

    @Test(.timeLimit(.minutes(10))) func `packets that answer another question are passed over`()
        async throws
    {
        let server = NameServer { question in
            var answer = NameServer.Answer([.a(question.name, "192.0.2.1")])
            let forged =
                [0, 0, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0] + NameServer.wire("evil.example") + [0, 1, 0, 1]
            answer.forgeries = [[], [1], forged, [UInt8](repeating: 0xff, count: 600)]
            return answer
        }
        try await with([server]) { resolver in
            #expect(await resolver.addresses("a.example").records.map(\.description) == ["192.0.2.1"])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a server that folds the letters of the question is believed in the last round only`()
        async throws
    {
        let server = NameServer { question in
            var answer = NameServer.Answer([.txt(question.name, ["v=spf1 -all"])])
            answer.foldsCase = true
            return answer
        }
        // The answer in the last round has as long as that, also on a machine that does a thousand other things.
        try await with([server], timeout: .seconds(3)) { resolver in
            #expect(await resolver.txt("averylongnamewithmanyletters.example") == .found(["v=spf1 -all"]))
            #expect(server.questions.count == 2)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `an answer is remembered as long as it says, an absence as long as its zone says`()
        async throws
    {
        let server = NameServer { question in
            if question.name == "brief.example" {
                return .init([.txt("brief.example", ["x"], seconds: 0)])
            }
            var missing = NameServer.Answer(code: 3)
            if question.name == "kept.example" { missing.authority = [.soa("example", minimum: 60)] }
            return missing
        }
        try await with([server]) { resolver in
            for name in ["brief.example", "kept.example", "unkept.example"] {
                for _ in 0..<2 { _ = await resolver.txt(name) }
            }
            #expect(
                server.questions.map(\.name) == [
                    "brief.example", "brief.example", "kept.example", "unkept.example", "unkept.example",
                ])
        }
    }

    @Test(.timeLimit(.minutes(10))) func `the names of an address are found, for both kinds`()
        async throws
    {
        let server = NameServer { .init([.ptr($0.name, "mail.example")]) }
        try await with([server]) { resolver in
            #expect(await resolver.ptr(IPAddress("192.0.2.1")!) == .found(["mail.example"]))
            #expect(
                await resolver.ptr(IPAddress("2001:db8::1")!) == .found(["mail.example"]))
            #expect(server.questions[0].name == "1.2.0.192.in-addr.arpa")
            #expect(
                server.questions[1].name == "1" + String(repeating: ".0", count: 23)
                    + ".8.b.d.0.1.0.0.2.ip6.arpa")
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a name outside ASCII is asked for in its xn-- form`()
        async throws
    {
        let server = NameServer { .init([.mx($0.name, 1, "mx.example")]) }
        try await with([server]) { resolver in
            #expect(await resolver.mx("例子.example").records.count == 1)
            #expect(server.questions.map(\.name) == ["xn--fsqu00a.example"])
            #expect(DNSName("Bücher.Example")?.description == "xn--bcher-kva.example")
            #expect(DNSName("他们为什么不说中文。cn")?.description == "xn--ihqwcrb4cv8a8dqg056pqjye.cn")
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func `a question whose task is cancelled ends at once and nothing is left on the loop`()
        async throws
    {
        let server = NameServer { _ in
            var silent = NameServer.Answer()
            silent.isSilent = true
            return silent
        }
        let loop = TransferLoop(logger: Self.quiet)
        let resolver = DNSResolver(
            loop: loop, servers: [DNSServer("127.0.0.1:\(server.port)")!], timeout: .seconds(50))
        let asking = Task { await resolver.mx("a.example") }
        while server.questions.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        asking.cancel()
        guard case .failed(let failure) = await asking.value else { throw Unexpected() }
        #expect(failure.kind == .cancelled)
        #expect(await loop.openCount() == 0)
        await loop.shutdown()
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Without the id.
        let packet: [UInt8]
    }
    private static let head: [UInt8] = [0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
    private static let question: [UInt8] = NameServer.wire("a") + [0, 15, 0, 1]
    @Test(
        "a packet against the format is refused, not followed",
        arguments: [
            Bad(testDescription: "shorter than a header", packet: [0, 1, 0x81]),
            Bad(
                testDescription: "a pointer to itself",
                packet: head + question + [0xc0, 19, 0, 15, 0, 1, 0, 0, 0, 1, 0, 0]),
            Bad(
                testDescription: "a pointer forward",
                packet: head + question + [0xc0, 40, 0, 15, 0, 1, 0, 0, 0, 1, 0, 0]),
            Bad(
                testDescription: "two pointers in a circle",
                packet: head + question + [1, 0x61, 0xc0, 19, 0, 15, 0, 1, 0, 0, 0, 1, 0, 0]),
            Bad(
                testDescription: "a label with reserved bits",
                packet: head + question + [0x80, 1, 0, 15, 0, 1, 0, 0, 0, 1, 0, 0]),
            Bad(
                testDescription: "a record longer than the packet",
                packet: head + question + [0, 0, 15, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0]),
            Bad(testDescription: "no record where one is announced", packet: head + question),
            Bad(
                testDescription: "an address of five bytes",
                packet: head + question + [0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 5, 1, 2, 3, 4, 5]),
            Bad(
                testDescription: "a text longer than its record",
                packet: head + question + [0, 0, 16, 0, 1, 0, 0, 0, 1, 0, 2, 9, 0x61]),
            Bad(
                testDescription: "a host name that ends outside its record",
                packet: head + question + [0, 0, 15, 0, 1, 0, 0, 0, 1, 0, 3, 0, 1, 1, 0x61, 0]),
            Bad(
                testDescription: "sixty thousand records",
                packet: [0, 1, 0x81, 0x80, 0, 1, 0xea, 0x60, 0, 0, 0, 0] + question),
            Bad(
                testDescription: "a name of more than 255 bytes",
                packet: head + question
                    + [UInt8](repeating: 0, count: 5).flatMap { _ in
                        [63] + [UInt8](repeating: 0x61, count: 63)
                    }
                    + [0, 0, 15, 0, 1, 0, 0, 0, 1, 0, 0]),
        ])
    func refuses(_ bad: Bad) {
        #expect(throws: DNSFormatError.self) { try DNSMessage(bad.packet) }
    }

    @Test func `no packet of random bytes does harm`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var packet = Self.head + Self.question
            packet += (0..<Int.random(in: 0...60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            packet[Int.random(in: 0..<packet.count, using: &random)] = UInt8.random(
                in: 0...255, using: &random)
            _ = try? DNSMessage(packet)
        }
    }

    @Test func `the machine's name servers are read from its configuration`() {
        let text =
            "# comment\nsearch a.example\nnameserver 192.0.2.1\nnameserver\t2001:db8::53\nnameserver nonsense\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
        #expect(
            DNSServer.configured(text).map(\.description) == [
                "192.0.2.1:53", "[2001:db8::53]:53", "192.0.2.2:53",
            ])
        #expect(DNSServer.configured("").map(\.description) == ["127.0.0.1:53"])
        #expect(DNSServer("[::1]:5353")?.description == "[::1]:5353")
        #expect(DNSServer("127.0.0.1:x") == nil)
    }

    struct Unexpected: Error {}
}
