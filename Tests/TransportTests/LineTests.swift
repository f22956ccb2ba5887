import Domain
import Glibc
import Synchronization
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct LineTests {
    private func relay(_ script: @escaping @Sendable (Peer) throws -> Void) -> StubServer {
        StubServer { peer in
            peer.say("220 stub")
            _ = try peer.line()
            peer.say("250 stub")
            try script(peer)
        }
    }

    @Test func `time-out and cancellation lose no byte`() async throws {
        let server = relay { peer in
            while true { peer.say("echo \(try peer.line())") }
        }
        try await withLoop { loop in
            let line = try await loop.connect(server.smtp())
            let error = await #expect(throws: TransportError.self) { _ = try await line.receive(timeout: .milliseconds(20)) }
            #expect(error?.description == "an answer of 127.0.0.1 took longer than 0.02 s.")
            let waiting = Task { try await line.receive(timeout: .seconds(3600)) }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { _ = try await waiting.value }
            for number in 0..<100 {
                try await line.send(Array("\(number)\r\n".utf8))
                #expect(try await line.receive(timeout: .seconds(50)) == Array("echo \(number)\r\n".utf8))
            }
        }
    }

    @Test func `sending and receiving do not wait for each other`() async throws {
        let line: [UInt8] = [UInt8](repeating: 65, count: 99) + [10]
        let bytes = [UInt8](repeatElement(line, count: 80_000).joined())
        let server = relay { peer in
            while true { peer.say(Array("\(try peer.line())\n".utf8)) }
        }
        try await withLoop { loop in
            let line = try await loop.connect(server.smtp())
            async let sent: Void = line.send(bytes)
            var back: [UInt8] = []
            while back.count < bytes.count { back += try await line.receive(timeout: .seconds(50)) }
            try await sent
            #expect(back == bytes)
        }
    }

    @Test func `one task at a time receives`() async throws {
        let server = relay { $0.untilClosed() }
        try await withLoop { loop in
            let line = try await loop.connect(server.smtp())
            let first = Task { try await line.receive(timeout: .seconds(3600)) }
            var error: TransportError?
            while error == nil {
                do { _ = try await line.receive(timeout: .zero) } catch TransportError.invalid(let reason) {
                    error = .invalid(reason)
                } catch {}
            }
            #expect(error?.description == "two tasks receive from one connection at the same time.")
            line.close()
            await #expect(throws: CancellationError.self) { _ = try await first.value }
        }
    }

    @Test func `what the server says before anybody listens is kept, also when other connections come`() async throws {
        let server = relay { peer in
            // So that libcurl does not read them together with the answer to EHLO.
            usleep(200_000)
            peer.say("early words")
            peer.untilClosed()
        }
        try await withLoop { loop in
            let line = try await loop.connect(server.smtp())
            // libcurl looks for dead connections once a second, and takes an unused one with bytes on it for dead.
            try await Task.sleep(for: .milliseconds(1100))
            let other = try await loop.connect(server.smtp())
            #expect(try await line.receive(timeout: .seconds(50)) == Array("early words\r\n".utf8))
            #expect(try await other.receive(timeout: .seconds(50)) == Array("early words\r\n".utf8))
        }
    }

    @Test func `the end of a connection is an empty piece`() async throws {
        let server = relay { _ in }
        try await withLoop { loop in
            let line = try await loop.connect(server.smtp())
            #expect(try await line.receive(timeout: .seconds(50)) == [])
        }
    }

    @Test func `a connection nobody holds any more is closed`() async throws {
        let server = relay { $0.untilClosed() }
        try await withLoop { loop in
            _ = try await loop.connect(server.smtp())
            try await eventually { await loop.openCount() == 0 && server.openConnections == 0 }
        }
    }

    @Test func `hundreds of waiting connections hold up neither each other nor a request`() async throws {
        let server = relay { $0.untilClosed() }
        let web = StubServer.http { peer, _, _ in peer.answer("200 OK") }
        try await withLoop { loop in
            var lines: [LineConnection] = []
            for _ in 0..<300 { lines.append(try await loop.connect(server.smtp())) }
            let waits = lines.map { line in Task { try await line.receive(timeout: .seconds(3600)) } }
            let page = try await loop.http(HTTPRequest("GET", web.url()))
            #expect(page.status == 200)
            #expect(await loop.openCount() == 300)
            for wait in waits { wait.cancel() }
            lines = []
            for wait in waits { await #expect(throws: CancellationError.self) { _ = try await wait.value } }
            try await eventually { await loop.openCount() == 0 && server.openConnections == 0 }
        }
    }

    @Test(
        "an endpoint that cannot work is refused before anything is sent",
        arguments: [
            (
                LineEndpoint("https://h.example/"),
                "https://h.example/ has the scheme https; only imap, imaps, smtp, smtps, pop3, pop3s can be used here."
            ),
            (
                LineEndpoint("imaps://h.example", user: "a", password: Secret("x\r\nA1 DELETE INBOX")),
                "user name, password or token for h.example holds a line break or control character; check its file."
            ),
            (LineEndpoint("smtp://h.example", helo: "a b"), "a b is not a host name; write one such as desk.example.com."),
        ])
    func invalid(endpoint: LineEndpoint, says: String) async throws {
        try await withLoop { loop in
            let error = await #expect(throws: TransportError.self) { _ = try await loop.connect(endpoint) }
            #expect(error?.description == says)
        }
    }

    @Test func `deadlines come in order, whatever order they were set in`() {
        var heap = TimerHeap()
        for number in 0..<100 { heap.add(number, at: Int64(number * 37 % 101)) }
        #expect(heap.first == 0)
        #expect(heap.popDue(-1) == nil)
        var due: [Int] = []
        while let id = heap.popDue(50) { due.append(id * 37 % 101) }
        #expect(due == due.sorted() && due.allSatisfy { $0 <= 50 } && due.count + heap.count == 100)
        while heap.popDue(101) != nil {}
        #expect(heap.count == 0)
    }
}
