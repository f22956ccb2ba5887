import Domain
import Foundation
import Glibc
import Synchronization
import TestServers
import Testing
import Transport

@testable import Channels

/// A feed that moves, over real sockets.
@Suite(.timeLimit(.minutes(5))) struct DocumentSourceTests {
    /// Answers each path as told, one request a connection.
    private final class Site: Sendable {
        struct State {
            var answers: [String: String] = [:]
            var asked: [String] = []
        }
        let state = Mutex(State())
        private let door = LoopbackDoor()
        var port: Int { door.port }

        init() {
            door.open { [weak self] visitor in
                defer { close(visitor) }
                var request: [UInt8] = []
                var piece = [UInt8](repeating: 0, count: 4096)
                while !String(decoding: request, as: UTF8.self).contains("\r\n\r\n") {
                    let count = recv(visitor, &piece, piece.count, 0)
                    if count <= 0 { return }
                    request += piece[..<count]
                }
                let head = String(decoding: request, as: UTF8.self)
                let path = head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
                let login = head.lowercased().contains("authorization:") ? " with login" : ""
                let answer = self?.state.withLock { state in
                    state.asked.append(path + login)
                    return state.answers[path] ?? "404 Not Found\r\n\r\n"
                }
                let bytes = Array(
                    "HTTP/1.1 \(answer ?? "500 Gone\r\n\r\n")".replacing("\r\n\r\n", with: "\r\nConnection: close\r\n\r\n").utf8)
                _ = send(visitor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
        }

        func answer(_ path: String, _ text: String) { state.withLock { $0.answers[path] = text } }
        func takeAsked() -> [String] {
            state.withLock { state in
                defer { state.asked = [] }; return state.asked
            }
        }
    }

    private static func feed(_ title: String) -> String {
        "200 OK\r\n\r\n<rss><channel><item><title>\(title)</title></item></channel></rss>"
    }

    @Test func `a feed that moved for good is asked there, and at its old address when the new one fails`() async throws {
        let (old, new) = (Site(), Site())
        var account = Account(name: "news", kind: .feed, url: "http://127.0.0.1:\(old.port)/feed")
        account.password = Secret("token")
        old.answer("/feed", "301 Moved\r\nLocation: http://127.0.0.1:\(new.port)/new\r\n\r\n")
        new.answer("/new", Self.feed("one"))
        let recorder = Recorder()
        let loop = TransferLoop(logger: IMAPSourceTests.logger)
        let source = DocumentSource(account: account, loop: loop)

        try await source.poll(into: recorder.keeper)
        #expect(old.takeAsked() == ["/feed with login"])
        #expect(new.takeAsked() == ["/new"])
        #expect(recorder.items.count == 1)

        new.answer("/new", Self.feed("two"))
        try await source.poll(into: recorder.keeper)
        #expect(new.takeAsked() == ["/new"])
        #expect(old.takeAsked() == [])
        #expect(recorder.items.count == 2)

        new.answer("/new", "404 Not Found\r\n\r\n")
        old.answer("/feed", Self.feed("three"))
        try await source.poll(into: recorder.keeper)
        #expect(new.takeAsked() == ["/new"])
        #expect(old.takeAsked() == ["/feed with login"])
        #expect(recorder.items.count == 3)

        old.answer("/feed", "410 Gone\r\n\r\n")
        let error = await #expect(throws: SourceError.self) { try await source.poll(into: recorder.keeper) }
        #expect(error?.remedy == .stop)
        #expect(new.takeAsked() == [])
        await loop.shutdown()
    }
}
