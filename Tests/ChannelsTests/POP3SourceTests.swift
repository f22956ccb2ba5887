import Domain
import Foundation
import Glibc
import Synchronization
import TestServers
import Testing
import Transport

@testable import Channels

/// A small POP3 server on loopback. Deletions come true at QUIT, and only then.
private final class POP3Stub: Sendable {
    struct Box {
        var mails: [(uidl: String, bytes: [UInt8])] = []
        var commands: [String] = []
        var sessions = 0
        var capabilities = ["USER", "UIDL", "TOP", "PIPELINING"]
        /// Hangs up instead of answering QUIT.
        var dropsQuit = false
    }

    private let door = LoopbackDoor()
    private let box: Mutex<Box>
    var port: Int { door.port }

    init(_ start: Box) {
        box = Mutex(start)
        door.open { [weak self] client in
            guard let self else { return _ = close(client) }
            serve(client)
        }
    }

    func stop() { door.stop() }
    var now: Box { box.withLock { $0 } }
    func change(_ body: (inout Box) -> Void) { box.withLock { body(&$0) } }

    private func serve(_ client: Int32) {
        defer { close(client) }
        let session = box.withLock { box in
            box.sessions += 1
            return box
        }
        var deleted: Set<Int> = []
        say("+OK ready", client)
        var buffer: [UInt8] = []
        while let line = readLine(client, &buffer) {
            box.withLock { $0.commands.append(line) }
            let words = line.split(separator: " ").map(String.init)
            let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
            switch words.first?.uppercased() ?? "" {
            case "CAPA": many(session.capabilities.joined(separator: "\r\n") + "\r\n", client)
            case "LIST": many(session.mails.enumerated().map { "\($0.offset + 1) \($0.element.bytes.count)\r\n" }.joined(), client)
            case "UIDL":
                guard session.capabilities.contains("UIDL") else {
                    say("-ERR unknown", client)
                    continue
                }
                many(session.mails.enumerated().map { "\($0.offset + 1) \($0.element.uidl)\r\n" }.joined(), client)
            case "RETR": many(String(decoding: session.mails[number - 1].bytes, as: UTF8.self), client)
            case "TOP":
                let text = String(decoding: session.mails[number - 1].bytes, as: UTF8.self)
                let head = text.split(separator: "\r\n\r\n", maxSplits: 1).first ?? ""
                many("\(head)\r\n\r\n", client)
            case "DELE":
                deleted.insert(number)
                say("+OK", client)
            case "QUIT":
                if session.dropsQuit { return }
                box.withLock { box in
                    let names = Set(deleted.map { session.mails[$0 - 1].uidl })
                    box.mails.removeAll { names.contains($0.uidl) }
                }
                say("+OK bye", client)
                return
            default: say("+OK", client)
            }
        }
    }

    /// Doubles dots that begin a line, as RFC 1939 asks.
    private func many(_ text: String, _ client: Int32) {
        let body = text.hasSuffix("\r\n") || text.isEmpty ? text : text + "\r\n"
        let stuffed = body.replacing("\r\n.", with: "\r\n..")
        say("+OK", client)
        write(Array((stuffed.hasPrefix(".") ? "." + stuffed : stuffed).utf8) + Array(".\r\n".utf8), client)
    }

    private func readLine(_ client: Int32, _ buffer: inout [UInt8]) -> String? {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let line = buffer[..<end].filter { $0 != 13 }
                buffer.removeSubrange(...end)
                return String(decoding: line, as: UTF8.self)
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(client, &chunk, chunk.count)
            guard count > 0 else { return nil }
            buffer += chunk[..<count]
        }
    }

    private func say(_ line: String, _ client: Int32) { write(Array((line + "\r\n").utf8), client) }

    private func write(_ bytes: [UInt8], _ client: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.send(client, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            sent += count
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct POP3SourceTests {
    private static func with(
        _ mails: [(String, [UInt8])], _ change: (inout POP3Stub.Box) -> Void = { _ in }, account edit: (inout Account) -> Void = { _ in },
        _ test: (POP3Stub, any Source, Recorder) async throws -> Void
    ) async throws {
        var box = POP3Stub.Box()
        box.mails = mails.map { (uidl: $0.0, bytes: $0.1) }
        change(&box)
        let stub = POP3Stub(box)
        let loop = TransferLoop(logger: IMAPSourceTests.logger)
        var account = Account(name: "box", kind: .pop3, url: "pop3://127.0.0.1:\(stub.port)")
        account.user = "ann"
        account.password = Secret("geheim")
        account.tls.allowPlain = true
        edit(&account)
        let source = POP3Source(account: account) { try await POP3Client.connect($0, on: loop, logger: IMAPSourceTests.logger) }
        do { try await test(stub, source, Recorder()) } catch {
            await loop.shutdown()
            stub.stop()
            throw error
        }
        await loop.shutdown()
        stub.stop()
    }

    private static let dots = Array("From: a@b.example\r\n\r\n.\r\n..two\r\nplain\r\n.end\r\n".utf8)

    @Test func `mails come once, byte for byte, and stay on the server`() async throws {
        try await Self.with([("u1", IMAPSourceTests.mail("one")), ("u2", Self.dots)]) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.items.map(\.bytes) == [IMAPSourceTests.mail("one"), Self.dots])
            #expect(spool.ids.map { $0.split(separator: "/").last } == ["u1", "u2"])
            stub.change { $0.mails.insert(("u3", IMAPSourceTests.mail("three")), at: 0) }
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.count == 3)
            #expect(stub.now.mails.count == 3)
            #expect(stub.now.sessions == 2)
            #expect(spool.count("POP3").map { [$0.server, $0.ours] } == [3, 3])
            #expect(!stub.now.commands.contains { $0.hasPrefix("DELE") })
        }
    }

    @Test func `a mail is deleted only in a session after the one that stored it, and not when QUIT is lost`() async throws {
        try await Self.with([("u1", IMAPSourceTests.mail("one"))], account: { $0.after = .delete }) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(stub.now.mails.count == 1)
            stub.change { $0.dropsQuit = true }
            _ = try? await source.poll(into: spool.keeper)
            #expect(stub.now.mails.count == 1)
            stub.change { $0.dropsQuit = false }
            try await source.poll(into: spool.keeper)
            #expect(stub.now.mails.isEmpty)
            #expect(spool.ids.count == 1)
        }
    }

    @Test func `of a mail over the limit the header comes, it is not deleted, and it is fetched whole when wanted`() async throws {
        let huge = IMAPSourceTests.mail("huge", String(repeating: "0123456789abcd\r\n", count: (3 << 20) / 16))
        try await Self.with(
            [("big", huge)],
            account: {
                $0.after = .delete
                $0.sizeBytesMax = 1 << 20
            }
        ) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.items.map(\.isCut) == [true])
            #expect(spool.items[0].bytes.starts(with: Array("From: ann@example.com\r\n".utf8)))
            try await source.poll(into: spool.keeper)
            #expect(stub.now.mails.count == 1)
            spool.want(spool.ids[0])
            try await source.fetchWanted(into: spool.keeper)
            #expect(spool.sunk == [huge])
            #expect(spool.completed.count == 1)
        }
    }

    @Test func `an account that starts at the latest passes over what is there`() async throws {
        try await Self.with([("old", IMAPSourceTests.mail("old"))], account: { $0.start = .latest }) { stub, source, spool in
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.isEmpty)
            #expect(spool.passed.count == 1)
            stub.change { $0.mails.append(("new", IMAPSourceTests.mail("new"))) }
            try await source.poll(into: spool.keeper)
            #expect(spool.ids.map { $0.split(separator: "/").last } == ["new"])
        }
    }

    @Test func `a server without UIDL is refused in words`() async throws {
        try await Self.with([("u1", IMAPSourceTests.mail("one"))], { $0.capabilities = ["USER", "TOP"] }) { _, source, spool in
            let error = await #expect(throws: TransportError.self) { try await source.poll(into: spool.keeper) }
            #expect(error?.description == "127.0.0.1 refused UIDL: unknown")
        }
    }
}
