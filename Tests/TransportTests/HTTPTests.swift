import Domain
import Foundation
import Testing

@testable import Transport

/// `hello gzip`, as gzip writes it.
private let gzipped: [UInt8] = [
    0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0x48, 0xaf, 0xca, 0x2c, 0, 0, 0x19, 0x6a, 0xd2, 0xdf,
    0x0a,
    0, 0, 0,
]

@Suite(.timeLimit(.minutes(10))) struct HTTPTests {
    private func failure(_ request: HTTPRequest) async throws -> TransportError? {
        var found: TransportError?
        try await withLoop { loop in
            found = await #expect(throws: TransportError.self) { _ = try await loop.http(request) }
            #expect(await loop.openCount() == 0)
        }
        return found
    }

    @Test func `a request arrives as it was meant and the answer comes back whole`() async throws {
        let server = StubServer { peer in
            while try !peer.line().isEmpty {}
            _ = try peer.line()
            peer.answer("201 Created", ["ETag: \"v1\"", "X-Empty:", "x-twice: 1", "X-Twice: 2"], Array("made".utf8))
        }
        var request = HTTPRequest("POST", server.url("/make?x=1"))
        request.headers = [("Authorization", "Bearer t"), ("Content-Type", "application/json"), ("X-Nothing", "")]
        request.body = Array("{\"a\": 1}\n".utf8)
        let final = request
        try await withLoop { loop in
            let response = try await loop.http(final)
            #expect(response.status == 201)
            #expect(response.body == Array("made".utf8))
            #expect(response.header("etag") == "\"v1\"")
            #expect(response.headers.filter { $0.name.lowercased() == "x-twice" }.map(\.value) == ["1", "2"])
            #expect(response.url == server.url("/make?x=1"))
        }
        let lines = server.lines
        #expect(lines.first == "POST /make?x=1 HTTP/1.1")
        for line in [
            "Authorization: Bearer t", "Content-Type: application/json", "X-Nothing:", "Content-Length: 9", "User-Agent: Hongyan",
            "{\"a\": 1}",
        ] {
            #expect(lines.contains(line))
        }
        #expect(!lines.contains { $0.hasPrefix("Expect") })
    }

    @Test func `compressed answers come unpacked, and the limit counts what they unpack to`() async throws {
        let server = StubServer.http { peer, path, headers in
            #expect(headers.contains { $0.hasPrefix("Accept-Encoding:") && $0.contains("gzip") && $0.contains("br") })
            peer.answer("200 OK", ["Content-Encoding: gzip"], gzipped)
        }
        try await withLoop { loop in
            let unpacked = try await loop.http(HTTPRequest("GET", server.url()))
            #expect(unpacked.body == Array("hello gzip".utf8))
            var small = HTTPRequest("GET", server.url("/x?key=s3cret"))
            small.sizeBytesMax = 9
            let error = await #expect(throws: TransportError.self) { _ = try await loop.http(small) }
            #expect(error?.description == "\(server.url("/x")) is larger than 9 bytes; raise the size limit if that is expected.")
        }
    }

    @Test("an answer above the limit is broken off", arguments: [true, false])
    func tooLarge(isAnnounced: Bool) async throws {
        let server = StubServer.http { peer, _, _ in
            if isAnnounced { return peer.say("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n") }
            peer.say("HTTP/1.1 200 OK\r\nConnection: close\r\n")
            for _ in 0..<100 { peer.say([UInt8](repeating: 65, count: 1000)) }
        }
        var request = HTTPRequest("GET", server.url("/big"))
        request.sizeBytesMax = 20_000
        #expect(try await failure(request) == .tooLarge(url: server.url("/big"), limitBytes: 20_000))
    }

    @Test func `a circle of redirects ends`() async throws {
        let server = StubServer.http { peer, path, _ in peer.answer("302 Found", ["Location: /\(path.utf8.count)"]) }
        let error = try await failure(HTTPRequest("GET", server.url("/start?key=s3cret")))
        #expect(error?.description == "the redirect of \(server.url("/2")) was not followed: more than 5 in a row.")
    }

    @Test func `only the permanent redirects at the beginning say where to ask from now on`() async throws {
        let server = StubServer.http { peer, path, _ in
            switch path {
            case "/a": peer.answer("308 Permanent Redirect", ["Location: /b"])
            case "/b": peer.answer("302 Found", ["Location: /c"])
            case "/c": peer.answer("301 Moved Permanently", ["Location: /d"])
            default: peer.answer("200 OK")
            }
        }
        try await withLoop { loop in
            let response = try await loop.http(HTTPRequest("GET", server.url("/a")))
            #expect(response.url == server.url("/d"))
            #expect(response.movedTo == server.url("/b"))
            #expect(try await loop.http(HTTPRequest("GET", server.url("/b"))).movedTo == nil)
        }
    }

    @Test func `redirects are followed to the end and told`() async throws {
        let server = StubServer.http { peer, path, headers in
            switch path {
            case "/a": peer.answer("301 Moved", ["Location: b/../c?x=1"], Array("moved".utf8))
            case "/c?x=1": peer.answer("200 OK", [], Array((headers.first { $0.hasPrefix("X-Key") } ?? "lost").utf8))
            default: peer.answer("404 Not Found")
            }
        }
        var request = HTTPRequest("GET", server.url("/a"))
        request.headers = [("X-Key", "k")]
        let final = request
        try await withLoop { loop in
            let response = try await loop.http(final)
            #expect(String(decoding: response.body, as: UTF8.self) == "X-Key: k")
            #expect(response.url == server.url("/c?x=1"))
            #expect(response.movedTo == server.url("/c?x=1"))
            var once = HTTPRequest("GET", server.url("/a"))
            once.redirectsMax = 0
            #expect(try await loop.http(once).status == 301)
        }
    }

    @Test func `a redirect to a file is refused`() async throws {
        let server = StubServer.http { peer, _, _ in peer.answer("302 Found", ["Location: file:///etc/passwd"]) }
        var request = HTTPRequest("GET", server.url("/"))
        request.allowFile = true
        let error = try await failure(request)
        #expect(
            error?.description == "the redirect of \(server.url("/")) was not followed:"
                + " it leads to file:///etc/passwd, and only http and https are followed."
        )
    }

    @Test func `an address of a private network is refused where that is not allowed`() async throws {
        let server = StubServer.http { peer, _, _ in peer.answer("200 OK") }
        var request = HTTPRequest("GET", "http://localhost:\(server.port)/")
        request.allowPrivate = false
        #expect(
            try await failure(request)?.description == "localhost has an address inside a private network, which is not allowed here.")
        #expect(server.lines.isEmpty)
    }

    @Test func `a server that stops in the middle is given up`() async throws {
        let server = StubServer.http { peer, _, _ in
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            peer.untilClosed()
        }
        var request = HTTPRequest("GET", server.url())
        request.stallTimeout = .seconds(1)
        #expect(try await failure(request)?.description == "waiting for a byte of 127.0.0.1 took longer than 1 s.")
        request.stallTimeout = .seconds(30)
        request.totalTimeout = .milliseconds(200)
        let error = try await failure(request)
        #expect(error?.description == "the whole transfer with 127.0.0.1 took longer than 0.2 s.")
        #expect(error?.isTemporary == true)
    }

    @Test func `a server that hangs up in the middle is an error`() async throws {
        let server = StubServer.http { peer, _, _ in
            peer.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            throw Peer.Gone()
        }
        let error = try await failure(HTTPRequest("GET", server.url()))
        #expect(error?.description.hasPrefix("the connection to 127.0.0.1 was lost: ") == true)
    }

    @Test func `hosts that are not there are told apart`() async throws {
        #expect(
            try await failure(HTTPRequest("GET", "http://nowhere.invalid/"))?.description
                == "could not resolve host nowhere.invalid; check its spelling and this machine's DNS.")
        #expect(
            try await failure(HTTPRequest("GET", "http://127.0.0.1:1/"))?.description
                == "nothing listens at 127.0.0.1:1; check the port and that the server runs.")
    }

    @Test func `cancelling the task frees the transfer`() async throws {
        let server = StubServer.http { peer, _, _ in peer.untilClosed() }
        try await withLoop { loop in
            let task = Task { try await loop.http(HTTPRequest("GET", server.url())) }
            try await eventually { await loop.openCount() == 1 && server.openConnections == 1 }
            task.cancel()
            await #expect(throws: CancellationError.self) { _ = try await task.value }
            #expect(await loop.openCount() == 0)
            try await eventually { server.openConnections == 0 }
        }
    }

    @Test func `shutting down ends what runs and refuses what comes`() async throws {
        let server = StubServer.http { peer, _, _ in peer.untilClosed() }
        let loop = TransferLoop(logger: logger)
        let task = Task { try await loop.http(HTTPRequest("GET", server.url())) }
        try await eventually { server.openConnections == 1 }
        await loop.shutdown()
        await #expect(throws: TransportError.shutDown) { _ = try await task.value }
        await #expect(throws: TransportError.shutDown) { _ = try await loop.http(HTTPRequest("GET", server.url())) }
        await loop.shutdown()
        try await eventually { server.openConnections == 0 }
    }

    @Test func `many requests run at the same time on one thread`() async throws {
        let server = StubServer.http { peer, path, _ in peer.answer("200 OK", [], Array(path.utf8)) }
        try await withLoop { loop in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask { try await loop.http(HTTPRequest("GET", server.url("/\(number)"))).body == Array("/\(number)".utf8) }
                }
                for try await isRight in group { #expect(isRight) }
            }
            #expect(await loop.openCount() == 0)
        }
    }

    @Test func `a certificate is only trusted when its authority is`() async throws {
        let certificates = try Certificates()
        let good = try certificates.serve("good")
        let expired = try certificates.serve("expired")
        let wrong = try certificates.serve("other", key: "other.key")
        var request = HTTPRequest("GET", "https://localhost:\(good.port)/")
        let advice = "renew it, or name its authority's PEM file as caFile."
        #expect(
            try await failure(request)?.description
                == "the certificate of localhost is not trusted: unable to get local issuer certificate; \(advice)")
        request.tls.caFile = certificates.authority
        let trusting = request
        try await withLoop { loop in
            let page = try await loop.http(trusting)
            #expect(page.status == 200)
        }
        request.url = "https://localhost:\(expired.port)/"
        #expect(
            try await failure(request)?.description == "the certificate of localhost is not trusted: certificate has expired; \(advice)")
        request.url = "https://localhost:\(wrong.port)/"
        #expect(
            try await failure(request)?.description
                == "the certificate of localhost is not trusted: self-signed certificate; \(advice)")
        request.tls.caFile = certificates.folder.appending(path: "other.pem").path
        #expect(try await failure(request)?.description.contains("no alternative certificate subject name matches") == true)
        request.tls.caFile = "/nonexistent/ca.pem"
        #expect(
            try await failure(request)?.description
                == "cannot use the CA file /nonexistent/ca.pem; check that it exists, is readable and holds PEM certificates.")
    }

    @Test func `a file is read where it is allowed, and again only when it has changed`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "entries \(UUID().uuidString).csv")
        try Data("a,b\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var request = HTTPRequest("GET", file.absoluteString)
        #expect(try await failure(request)?.description.hasSuffix("has the scheme file; only http, https can be used here.") == true)
        request.allowFile = true
        request.sizeBytesMax = 4
        let allowed = request
        try await withLoop { loop in
            let first = try await loop.http(allowed)
            #expect(first.status == 200 && first.body == Array("a,b\n".utf8))
            var again = allowed
            let etag = try #require(first.header("ETag"))
            again.headers = [("If-None-Match", etag)]
            #expect(try await loop.http(again).status == 304)
        }
        request.sizeBytesMax = 3
        #expect(try await failure(request)?.description.contains("is larger than 3 bytes") == true)
        request.url = "file:///nonexistent/x.csv"
        #expect(try await failure(request)?.description == "cannot read /nonexistent/x.csv: no such file or directory.")
        request.url = "file:///dev/zero"
        #expect(try await failure(request)?.description == "cannot read /dev/zero: it is not a regular file.")
    }
}
