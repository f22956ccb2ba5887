import Domain
import Foundation
import Glibc
import Logging
import TestServers
import Testing

@testable import Transport

/// STARTTLS and implicit TLS against openssl's own server, and against servers that strip or inject.
@Suite(.serialized) struct SMTPEncryptionTests {
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func connect(
        _ url: String, _ encryption: LineEncryption?, ca: String? = nil
    ) async throws -> (client: SMTPClient, loop: TransferLoop) {
        let loop = TransferLoop(logger: Self.quiet)
        var endpoint = LineEndpoint(url, tls: TLS(caFile: ca), helo: "desk.example")
        endpoint.encryption = encryption
        do { return (try await SMTPClient.connect(endpoint, on: loop, logger: Self.quiet), loop) } catch {
            await loop.shutdown()
            throw error
        }
    }

    private func deliver(_ client: SMTPClient) async -> SMTPResult {
        let bytes = Array("Subject: x\r\n\r\nhello\r\n".utf8)
        return await client.send(from: "a@desk.example", to: ["b@example.com"], bytes: bytes) { true }
    }

    @Test("mail goes over STARTTLS and over implicit TLS when the certificate is good", .timeLimit(.minutes(10)), arguments: [true, false])
    func encrypted(byCommand: Bool) async throws {
        let certificates = try Certificates()
        let server = try TLSMailServer(certificates, "good", byCommand: byCommand)
        let url = "\(byCommand ? "smtp" : "smtps")://localhost:\(server.port)"
        let (client, loop) = try await connect(url, nil, ca: certificates.authority)
        #expect(client.isEncrypted)
        let result = await deliver(client)
        #expect(result.outcome == .accepted("250 taken"))
        #expect(server.heard.contains("MAIL FROM:<a@desk.example>"))
        await client.quit()
        await loop.shutdown()
        server.stop()
    }

    @Test(.timeLimit(.minutes(10)))
    func `a certificate for another name is refused where it counts, and enough where only eyes are kept out`() async throws {
        let certificates = try Certificates()
        let server = try TLSMailServer(certificates, "other", key: "other.key", byCommand: true)
        let url = "smtp://localhost:\(server.port)"
        let error = await #expect(throws: TransportError.self) { try await connect(url, .verified, ca: certificates.authority) }
        guard case .certificate = error else { throw Unexpected(what: "\(String(describing: error))") }
        let (client, loop) = try await connect(url, .whenOffered)
        #expect(client.isEncrypted)
        #expect(await deliver(client).outcome == .accepted("250 taken"))
        await client.quit()
        await loop.shutdown()
        server.stop()
    }

    @Test(.timeLimit(.minutes(10)))
    func `a server that offers no STARTTLS is refused where it is required, and spoken to in the clear where not`() async throws {
        let server = StubServer { peer in
            peer.say("220 stub")
            while true {
                let line = try peer.line()
                if line.hasPrefix("EHLO") { peer.say("250-stub\r\n250 PIPELINING") } else { peer.say("221 bye") }
            }
        }
        let url = "smtp://127.0.0.1:\(server.port)"
        await #expect(throws: TransportError.noEncryption(host: "127.0.0.1")) { try await connect(url, .verified) }
        let (client, loop) = try await connect(url, .whenOffered)
        #expect(!client.isEncrypted)
        await client.quit()
        await loop.shutdown()
        withExtendedLifetime(server) {}
    }

    @Test(.timeLimit(.minutes(10))) func `a refused STARTTLS leads on in the clear only where that is allowed`() async throws {
        let server = StubServer { peer in
            peer.say("220 stub")
            while true {
                let line = try peer.line()
                if line.hasPrefix("EHLO") { peer.say("250-stub\r\n250 STARTTLS") } else { peer.say("454 4.7.0 not now") }
            }
        }
        let url = "smtp://127.0.0.1:\(server.port)"
        await #expect(throws: TransportError.self) { try await connect(url, .verified) }
        let (client, loop) = try await connect(url, .whenOffered)
        #expect(!client.isEncrypted)
        await loop.shutdown()
        withExtendedLifetime(server) {}
    }

    @Test(
        "words that came before the encryption are never taken for words of the server", .timeLimit(.minutes(10)),
        arguments: [LineEncryption.verified, .whenOffered])
    func injected(encryption: LineEncryption) async throws {
        let server = StubServer { peer in
            peer.say("220 stub")
            while true {
                let line = try peer.line()
                if line.hasPrefix("EHLO") {
                    peer.say("250-stub\r\n250 STARTTLS")
                } else {
                    // RFC 3207 §4.2, CVE-2021-38371 and its kin: an attacker on the way adds an answer in the clear.
                    peer.say("220 go on\r\n250-evil\r\n250 AUTH PLAIN")
                    peer.untilClosed()
                }
            }
        }
        await #expect(throws: TransportError.self) { try await connect("smtp://127.0.0.1:\(server.port)", encryption) }
    }

    @Test(.timeLimit(.minutes(10))) func `a host whose address is known is not looked up, and its certificate is still held to its name`()
        async throws
    {
        let certificates = try Certificates()
        let server = try TLSMailServer(certificates, "other", key: "other.key", byCommand: true)
        let loop = TransferLoop(logger: Self.quiet)
        var endpoint = LineEndpoint(
            "smtp://wrong.example:\(server.port)", tls: TLS(caFile: certificates.folder.appending(path: "other.pem").path))
        endpoint.addresses = [IPAddress("127.0.0.1")!]
        let client = try await SMTPClient.connect(endpoint, on: loop, logger: Self.quiet)
        #expect(client.isEncrypted)
        await client.quit()
        await loop.shutdown()
        server.stop()
    }

    struct Unexpected: Error { let what: String }
}

/// openssl's server with an SMTP dialogue behind its standard input and output; with a plain dialogue up to STARTTLS before it.
final class TLSMailServer: @unchecked Sendable {  // the process is touched by one test; what is heard has a lock
    let port: Int
    private let front: PlainFront?
    private let process: Program
    private let lock = NSLock()
    private var lines: [String] = []

    var heard: [String] { lock.withLock { lines } }

    init(_ certificates: borrowing Certificates, _ certificate: String, key: String = "server.key", byCommand: Bool) throws {
        process = try Program(
            ["/usr/bin/openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", "\(certificate).pem", "-key", key], in: certificates.folder)
        let (input, output) = (process.input, process.output)
        var text = ""
        var found: Int?
        while found == nil {
            let data = output.availableData
            try #require(!data.isEmpty, "openssl s_server did not start")
            text += String(decoding: data, as: UTF8.self)
            found = text.split(separator: "\n").first { $0.hasPrefix("ACCEPT ") }.flatMap { Int($0.split(separator: ":").last ?? "") }
        }
        let inner = found ?? 0
        front = byCommand ? PlainFront(leadingTo: inner) : nil
        port = front?.port ?? inner
        Thread.detachNewThread { [self, process] in
            _ = process
            talk(from: output, to: input, greets: !byCommand)
        }
    }

    func stop() { process.terminate() }

    /// Its own words about the session stand between the client's lines; only commands are answered.
    private func talk(from output: FileHandle, to input: FileHandle, greets: Bool) {
        var text = ""
        var isInMail = false
        while true {
            let data = output.availableData
            if data.isEmpty { return }
            text += String(decoding: data, as: UTF8.self)
            if greets, text.contains("-----END SSL SESSION PARAMETERS-----\n") {
                text = text.components(separatedBy: "-----END SSL SESSION PARAMETERS-----\n").last ?? ""
                input.write(Data("220 stub\r\n".utf8))
            }
            while let end = text.range(of: "\n") {
                let line = text[..<end.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines)
                text.removeSubrange(..<end.upperBound)
                lock.withLock { lines.append(line) }
                let answer: String? =
                    if isInMail {
                        line == "." ? "250 taken" : nil
                    } else if line.hasPrefix("EHLO") {
                        "250-stub\r\n250 8BITMIME"
                    } else if line.hasPrefix("MAIL") || line.hasPrefix("RCPT") {
                        "250 ok"
                    } else if line == "DATA" {
                        "354 go on"
                    } else if line == "QUIT" {
                        "221 bye"
                    } else {
                        nil
                    }
                if line == "DATA" { isInMail = true } else if isInMail, line == "." { isInMail = false }
                if let answer { input.write(Data("\(answer)\r\n".utf8)) }
            }
        }
    }
}

/// Speaks SMTP until STARTTLS, then passes bytes between the client and another port.
final class PlainFront: Sendable {
    private let door = LoopbackDoor()
    var port: Int { door.port }

    init(leadingTo inner: Int) {
        door.open { Self.serve($0, inner) }
    }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return address
    }

    private static func say(_ text: String, to client: Int32) { _ = send(client, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }

    private static func serve(_ client: Int32, _ inner: Int) {
        defer { close(client) }
        say("220 stub\r\n", to: client)
        var byte: UInt8 = 0
        var line: [UInt8] = []
        while recv(client, &byte, 1, 0) == 1 {
            line.append(byte)
            guard byte == 10 else { continue }
            let command = String(decoding: line, as: UTF8.self)
            line = []
            if command.hasPrefix("STARTTLS") { break }
            say(command.hasPrefix("EHLO") ? "250-stub\r\n250 STARTTLS\r\n" : "250 ok\r\n", to: client)
        }
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(inner)
        let isOpen = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
        }
        defer { close(server) }
        guard isOpen else { return }
        say("220 go\r\n", to: client)
        // Both numbers stay ours until nobody reads from them any more.
        let isBackDone = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            pass(from: server, to: client)
            shutdown(client, Int32(SHUT_RDWR))
            isBackDone.signal()
        }
        pass(from: client, to: server)
        shutdown(server, Int32(SHUT_RDWR))
        isBackDone.wait()
    }

    private static func pass(from source: Int32, to target: Int32) {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while case let count = recv(source, &chunk, chunk.count, 0), count > 0 {
            guard send(target, chunk, count, Int32(MSG_NOSIGNAL)) == count else { return }
        }
    }
}
