import Channels
import Domain
import Foundation
import Store
import TestServers
import Testing
import Transport

@testable import Intake

/// Says one thing to whoever connects, then hangs up.
private final class LyingServer: Sendable {
    private let door = LoopbackDoor()
    var port: Int { door.port }

    init(_ script: [UInt8]) {
        door.open { client in
            _ = script.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            shutdown(client, Int32(SHUT_WR))
            var rest = [UInt8](repeating: 0, count: 4096)
            while read(client, &rest, rest.count) > 0 {}
            close(client)
        }
    }

    func stop() { door.stop() }
}

/// The real sources, the real loop, the real store: one account of a liar, one of an honest folder.
@Suite(.timeLimit(.minutes(10))) struct LyingServerTests {
    struct Lie: CustomTestStringConvertible {
        var name: String
        var kind: Account.Kind
        var script: String
        var says: String
        var testDescription: String { name }
    }

    @Test(
        "a server that lies gets a clear message, and the honest account goes on",
        arguments: [
            Lie(name: "wrong greeting", kind: .imap, script: "SSH-2.0-OpenSSH\r\n", says: "127.0.0.1"),
            Lie(name: "hangs up at once", kind: .imap, script: "", says: "127.0.0.1"),
            Lie(
                name: "hangs up inside an answer", kind: .imap,
                script: "* OK ready\r\n* CAPABILITY IMAP4rev1\r\nA001 OK\r\n* 1 FETCH (BODY[] {100}\r\nhalf", says: "127.0.0.1"),
            Lie(
                name: "a web page for a feed", kind: .feed,
                script: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 28\r\n\r\n<!DOCTYPE html><p>Sign in</p",
                says: "answered with a web page instead of a feed; check the address, and whether it wants a login"),
            Lie(
                name: "a web page for JSON", kind: .form,
                script: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 28\r\n\r\n<!DOCTYPE html><p>Sign in</p",
                says: "answered with a web page instead of JSON; check the address, and whether it wants a login"),
            Lie(name: "no HTTP", kind: .feed, script: "220 mail.example ESMTP\r\n", says: "127.0.0.1"),
        ])
    func survives(_ lie: Lie) async throws {
        try await House.with { house in
            let server = LyingServer(Array(lie.script.utf8))
            let loop = TransferLoop(logger: House.logger)
            let box = house.folder + "/box"
            try FileManager.default.createDirectory(atPath: box, withIntermediateDirectories: true)
            var honest = Account(name: "honest", kind: .folder, url: box)
            honest.interval = .milliseconds(1)
            var liar = Account(name: "liar", kind: lie.kind, url: "\(lie.kind == .imap ? "imap" : "http")://127.0.0.1:\(server.port)")
            liar.user = "ann"
            liar.password = Secret("geheim")
            liar.tls.allowPlain = true
            liar.interval = .milliseconds(1)
            let service = IntakeService(store: house.store, loop: loop, accounts: [liar, honest], logger: House.logger)
            let running = Task { try await service.run() }
            try await IntakeServiceTests.until { service.health.first { $0.account == "liar" }?.state == .failing }
            try Data("From: a@b.example\r\n\r\nHi".utf8).write(to: URL(filePath: box + "/1.eml"))
            try await IntakeServiceTests.until {
                try await house.store.read { try $0.spool.known("honest", externalIDs: ["1.eml"]) } == ["1.eml"]
            }
            let error = try #require(service.health.first { $0.account == "liar" }?.lastError)
            #expect(error.contains(lie.says), "\(error)")
            #expect(!error.contains("geheim"))
            running.cancel()
            try await running.value
            await loop.shutdown()
            server.stop()
        }
    }

    @Test func `a file polled twice is stored once, and again when it changes`() async throws {
        try await House.with { house in
            let loop = TransferLoop(logger: House.logger)
            let path = house.folder + "/entries.json"
            try Data(#"[{"id": 1, "message": "one"}]"#.utf8).write(to: URL(filePath: path))
            var account = Account(name: "contact", kind: .form, url: "file://\(path)")
            account.form = FormMapping(format: .json)
            account.form?.id = "id"
            account.interval = .milliseconds(1)
            let service = IntakeService(store: house.store, loop: loop, accounts: [account], logger: House.logger)
            let running = Task { try await service.run() }
            let digest = house.digest([account])
            try await IntakeServiceTests.until { service.health.first?.itemsStored == 1 }
            try await house.drain(digest)
            try Data(#"[{"id": 1, "message": "one"}, {"id": 2, "message": "two"}]"#.utf8).write(to: URL(filePath: path))
            try await IntakeServiceTests.until { service.health.first?.itemsStored == 2 }
            try await house.drain(digest)
            #expect(try await house.interactions().map(\.body) == ["one", "two"])
            running.cancel()
            try await running.value
            await loop.shutdown()
        }
    }
}
