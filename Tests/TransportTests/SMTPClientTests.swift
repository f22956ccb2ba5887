import Domain
import Synchronization
import Testing

@testable import Transport

private let message = Array("Subject: x\r\n\r\n.hidden\nlast line".utf8)

@Suite(.timeLimit(.minutes(10))) struct SMTPClientTests {
    private func send(
        _ server: StubServer, to: [String] = ["c@d.example"], bytes: [UInt8] = message,
        beforeFinalDot: @Sendable () async throws -> Bool = { true }, then: (SMTPClient) async throws -> Void = { _ in }
    ) async throws -> SMTPResult {
        var result: SMTPResult?
        try await withLoop { loop in
            let client = try await SMTPClient.connect(server.smtp(), on: loop, logger: logger)
            result = await client.send(from: "a@b.example", to: to, bytes: bytes, beforeFinalDot: beforeFinalDot)
            try await then(client)
        }
        return try #require(result)
    }

    private func recipients(_ codes: [(String, Int, String)]) -> [SMTPResult.Recipient] {
        codes.map { SMTPResult.Recipient(address: $0.0, code: $0.1, text: $0.2) }
    }

    @Test func `a message is taken, and the next one over the same connection`() async throws {
        let server = StubServer.smtp()
        let result = try await send(
            server,
            then: { client in
                #expect(client.extensions.names == ["SIZE", "PIPELINING", "8BITMIME", "SMTPUTF8"])
                let second = await client.send(from: "", to: ["x@y.example"], bytes: Array("Grüße\r\n".utf8)) { true }
                #expect(second.outcome == .accepted("250 2.0.0 queued as 17"))
                await client.quit()
            })
        #expect(
            result
                == SMTPResult(
                    outcome: .accepted("250 2.0.0 queued as 17"), recipients: recipients([("c@d.example", 250, "2.1.0 ok")]),
                    finalDotSent: true, connectionUsable: true))
        #expect(
            server.lines == [
                "EHLO desk.example", "EHLO desk.example", "MAIL FROM:<a@b.example> SIZE=31", "RCPT TO:<c@d.example>", "DATA", "Subject: x",
                "", "..hidden", "last line", ".", "MAIL FROM:<> SIZE=9 BODY=8BITMIME", "RCPT TO:<x@y.example>", "DATA", "Grüße", ".",
                "QUIT",
            ])
    }

    @Test("one refused recipient among three does not stop the others", arguments: [["PIPELINING"], ["X-NOTHING"]])
    func oneRefused(extensions: [String]) async throws {
        let server = StubServer.smtp(extensions) { peer, line in
            guard line.contains("bad@") else { return false }
            peer.say("550-5.1.1 no such user\r\n550 5.1.1 here")
            return true
        }
        let result = try await send(server, to: ["a@d.example", "bad@d.example", "c@d.example"])
        #expect(result.outcome == .accepted("250 2.0.0 queued as 17"))
        #expect(
            result.recipients
                == recipients([
                    ("a@d.example", 250, "2.1.0 ok"), ("bad@d.example", 550, "5.1.1 no such user 5.1.1 here"),
                    ("c@d.example", 250, "2.1.0 ok"),
                ]))
    }

    @Test(
        "when no recipient is taken the connection stays usable and nothing is sent",
        arguments: [
            ("550 5.1.1 unknown", DeliveryOutcome.rejected("550 5.1.1 unknown")),
            ("451 4.7.1 greylisted", DeliveryOutcome.deferred(after: .seconds(60), "451 4.7.1 greylisted")),
        ])
    func allRefused(reply: String, outcome: DeliveryOutcome) async throws {
        let server = StubServer.smtp { peer, line in
            guard line.hasPrefix("RCPT TO:<c@") else { return false }
            peer.say(reply)
            return true
        }
        let result = try await send(
            server,
            then: { client in
                let second = await client.send(from: "a@b.example", to: ["good@d.example"], bytes: message) { true }
                #expect(second.outcome == .accepted("250 2.0.0 queued as 17"))
            })
        #expect(result.outcome == outcome)
        #expect(!result.finalDotSent && result.connectionUsable)
        #expect(server.lines.filter { $0 == "RSET" || $0 == "DATA" } == ["RSET", "DATA"])
    }

    @Test(
        "a refusal at any stage is the message's outcome",
        arguments: [
            ("MAIL", "552 5.3.4 too big", DeliveryOutcome.rejected("552 5.3.4 too big"), true),
            ("DATA", "451 4.3.0 later", DeliveryOutcome.deferred(after: .seconds(60), "451 4.3.0 later"), true),
            ("MAIL", "421 4.3.2 shutting down", DeliveryOutcome.deferred(after: .seconds(60), "421 4.3.2 shutting down"), false),
            ("RCPT", "421 4.3.2 shutting down", DeliveryOutcome.deferred(after: .seconds(60), "421 4.3.2 shutting down"), false),
            ("DATA", "421 4.3.2 shutting down", DeliveryOutcome.deferred(after: .seconds(60), "421 4.3.2 shutting down"), false),
        ])
    func refusal(stage: String, reply: String, outcome: DeliveryOutcome, isUsable: Bool) async throws {
        let server = StubServer.smtp { peer, line in
            guard line.hasPrefix(stage) else { return false }
            peer.say(reply)
            if reply.hasPrefix("421") { throw Peer.Gone() }
            return true
        }
        let result = try await send(server)
        #expect(result.outcome == outcome)
        #expect(result.finalDotSent == false)
        #expect(result.connectionUsable == isUsable)
    }

    @Test(
        "the answer to the final dot decides",
        arguments: [
            ("550 5.7.1 spam", DeliveryOutcome.rejected("550 5.7.1 spam"), true),
            ("452 4.2.2 full", DeliveryOutcome.deferred(after: .seconds(60), "452 4.2.2 full"), true),
            ("354 what", DeliveryOutcome.uncertain("354 what after the final dot"), false),
        ])
    func final(reply: String, outcome: DeliveryOutcome, isUsable: Bool) async throws {
        let server = StubServer.smtp { peer, line in
            guard line == "DATA" else { return false }
            peer.say("354 go on")
            while try peer.line() != "." {}
            peer.say(reply)
            return true
        }
        let result = try await send(server)
        #expect(result.outcome == outcome)
        #expect(result.finalDotSent)
        #expect(result.connectionUsable == isUsable)
    }

    @Test func `a connection lost before the final dot means not delivered`() async throws {
        let server = StubServer.smtp([]) { peer, line in
            guard line == "DATA" else { return false }
            peer.say("354 go on")
            _ = try peer.line()
            throw Peer.Gone()
        }
        let isGone = Mutex(false)
        let result = try await send(server, bytes: Array("x\n".utf8) + [UInt8](repeating: 65, count: 8 << 20)) {
            isGone.withLock { $0 = true }
            return true
        }
        guard case .deferred(.seconds(60), let reason) = result.outcome else {
            Issue.record(Comment(rawValue: "\(result.outcome)"))
            return
        }
        #expect(reason.hasPrefix("the connection to 127.0.0.1 was lost: "))
        #expect(!result.finalDotSent && !result.connectionUsable && !isGone.withLock { $0 })
    }

    @Test func `a connection lost after the final dot means nobody knows`() async throws {
        let server = StubServer.smtp { peer, line in
            guard line == "DATA" else { return false }
            peer.say("354 go on")
            while try peer.line() != "." {}
            throw Peer.Gone()
        }
        let result = try await send(server)
        #expect(
            result.outcome
                == .uncertain(
                    "no answer after the final dot: the connection to 127.0.0.1 was lost: the server closed it in the middle."))
        #expect(result.finalDotSent && !result.connectionUsable)
    }

    @Test func `holding back before the final dot closes the connection without it`() async throws {
        let server = StubServer.smtp()
        let result = try await send(
            server,
            beforeFinalDot: {
                // Every byte of the message is there, and the dot is not.
                while server.lines.last != "last line" { try await Task.sleep(for: .milliseconds(1)) }
                return false
            }
        ) { client in
            let second = await client.send(from: "a@b.example", to: ["c@d.example"], bytes: message) { true }
            #expect(
                second.outcome
                    == .deferred(
                        after: .seconds(60), "the connection to 127.0.0.1 was lost: an earlier message ended it; connect again."))
        }
        #expect(result.outcome == .deferred(after: .seconds(60), "held back before the final dot; nothing was delivered"))
        #expect(!result.finalDotSent && !result.connectionUsable)
        try await eventually { server.openConnections == 0 }
        #expect(!server.lines.contains("."))
    }

    @Test func `a server that refuses in the middle of the message is quoted`() async throws {
        let server = StubServer.smtp { peer, line in
            guard line == "DATA" else { return false }
            peer.say("354 go on")
            _ = try peer.line()
            peer.say("552 5.3.4 that is enough")
            peer.untilClosed()
            return true
        }
        let result = try await send(server, beforeFinalDot: { throw TransportError.shutDown })
        #expect(result.outcome == .rejected("552 5.3.4 that is enough"))
    }

    @Test func `cancelling before the final dot means not delivered`() async throws {
        let server = StubServer.smtp()
        try await withLoop { loop in
            let client = try await SMTPClient.connect(server.smtp(), on: loop, logger: logger)
            let sending = Task {
                await client.send(from: "a@b.example", to: ["c@d.example"], bytes: message) {
                    try await Task.sleep(for: .seconds(3600))
                    return true
                }
            }
            try await eventually { server.lines.contains("DATA") }
            sending.cancel()
            let result = await sending.value
            #expect(result.outcome == .deferred(after: .seconds(60), "the attempt was cancelled"))
            #expect(!result.finalDotSent)
        }
        #expect(!server.lines.contains("."))
    }

    @Test func `a message of many lines arrives as it was`() async throws {
        var text: [String] = []
        for number in 0..<5000 { text.append(String(repeating: ".", count: number % 4) + "line \(number)") }
        let server = StubServer.smtp(["PIPELINING"])
        let result = try await send(server, bytes: Array(text.joined(separator: "\n").utf8))
        #expect(result.outcome == .accepted("250 2.0.0 queued as 17"))
        let lines = server.lines
        let start = try #require(lines.firstIndex(of: "DATA")) + 1
        #expect(lines[start..<(start + 5000)].map { $0.hasPrefix(".") ? String($0.dropFirst()) : $0 } == text)
        #expect(lines[start + 5000] == ".")
    }

    @Test func `a user needs a server that offers a login`() async throws {
        let server = StubServer.smtp()
        try await withLoop { loop in
            let error = await #expect(throws: TransportError.self) {
                _ = try await SMTPClient.connect(server.smtp(user: "anna"), on: loop, logger: logger)
            }
            #expect(
                error?.description
                    == "127.0.0.1 offers no way to log in that we know; remove the user name or use the submission port.")
            try await eventually { await loop.openCount() == 0 }
        }
    }

    @Test(
        "a login is accepted or refused in the server's words",
        arguments: [
            ("235 2.7.0 ok", nil),
            (
                "535 5.7.8 bad credentials",
                "127.0.0.1 refused the login of anna: 535 5.7.8 bad credentials. Check user and password or token."
            ),
        ])
    func login(reply: String, says: String?) async throws {
        let server = StubServer.smtp(["AUTH PLAIN"]) { peer, line in
            guard line.hasPrefix("AUTH PLAIN") else { return false }
            if line == "AUTH PLAIN" {
                peer.say("334 ")
                _ = try peer.line()
            }
            peer.say(reply)
            return true
        }
        try await withLoop { loop in
            var error: TransportError?
            do { _ = try await SMTPClient.connect(server.smtp(user: "anna"), on: loop, logger: logger) } catch let failure as TransportError
            {
                error = failure
            }
            #expect(error?.description == says)
        }
    }

    @Test func `without STARTTLS nothing is sent`() async throws {
        let server = StubServer.smtp()
        var endpoint = server.smtp()
        endpoint.tls = TLS()
        let strict = endpoint
        try await withLoop { loop in
            await #expect(throws: TransportError.noEncryption(host: "127.0.0.1")) {
                _ = try await SMTPClient.connect(strict, on: loop, logger: logger)
            }
        }
        #expect(!server.lines.contains { $0.hasPrefix("MAIL") })
    }
}
