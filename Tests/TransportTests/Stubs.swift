import Domain
import Logging
import Testing

@testable import Transport

let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Repeats until the condition holds; the test's time limit ends a wait in vain.
func eventually(_ condition: () async -> Bool) async throws {
    while !(await condition()) { try await Task.sleep(for: .milliseconds(5)) }
}

extension StubServer {
    func imap(user: String? = "anna", password: String = "s3cret-word") -> LineEndpoint {
        LineEndpoint(
            "imap://127.0.0.1:\(port)", user: user, password: Secret(password), tls: TLS(allowPlain: true), connectTimeout: .seconds(20))
    }

    func smtp(user: String? = nil) -> LineEndpoint {
        LineEndpoint(
            "smtp://127.0.0.1:\(port)", user: user, password: Secret("s3cret-word"), tls: TLS(allowPlain: true), helo: "desk.example")
    }

    /// Speaks IMAP up to an open mailbox; `script` answers the rest. It gets tag and command, and returns false to hang up.
    static func imap(
        _ capabilities: String = "IMAP4rev1 IDLE UIDPLUS MOVE ID", _ script: @escaping @Sendable (Peer, String, String) throws -> Bool
    ) -> StubServer {
        StubServer { peer in
            peer.say("* OK stub {9}")
            while true {
                let line = try peer.line()
                let words = line.split(separator: " ", maxSplits: 1).map(String.init)
                guard words.count == 2 else { return }
                let (tag, command) = (words[0], words[1])
                switch command.split(separator: " ")[0] {
                case "CAPABILITY":
                    peer.say("* CAPABILITY \(capabilities)")
                    peer.say("\(tag) OK done")
                case "LOGIN", "ID": peer.say("\(tag) OK done")
                case "EXAMINE", "SELECT":
                    peer.say("* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 12] next")
                    peer.say("* OK [PERMANENTFLAGS (\\Seen \\*)] Limited\r\n* OK [HIGHESTMODSEQ 715194045007] hi")
                    peer.say("\(tag) OK [READ-ONLY] done")
                case "LOGOUT":
                    peer.say("* BYE see you\r\n\(tag) OK done")
                    return
                default: guard try script(peer, tag, command) else { return }
                }
            }
        }
    }

    /// Speaks SMTP; `script` may answer a line and return true, otherwise the usual answer is given.
    static func smtp(
        _ extensions: [String] = ["SIZE 100000", "PIPELINING", "8BITMIME", "SMTPUTF8"],
        _ script: @escaping @Sendable (Peer, String) throws -> Bool = { _, _ in false }
    ) -> StubServer {
        StubServer { peer in
            peer.say("220 stub ESMTP")
            while true {
                let line = try peer.line()
                if try script(peer, line) { continue }
                switch line.prefix(4) {
                case "EHLO":
                    let lines = ["stub greets you"] + extensions
                    for (index, text) in lines.enumerated() { peer.say("250\(index == lines.count - 1 ? " " : "-")\(text)") }
                case "DATA":
                    peer.say("354 go on")
                    while try peer.line() != "." {}
                    peer.say("250 2.0.0 queued as 17")
                case "QUIT":
                    peer.say("221 bye")
                    return
                default: peer.say("250 2.1.0 ok")
                }
            }
        }
    }

    /// Reads one request at a time and answers with what `script` makes of its path.
    static func http(_ script: @escaping @Sendable (Peer, String, [String]) throws -> Void) -> StubServer {
        StubServer { peer in
            while true {
                let request = try peer.line()
                var headers: [String] = []
                while true {
                    let line = try peer.line()
                    if line.isEmpty { break }
                    headers.append(line)
                }
                let words = request.split(separator: " ")
                try script(peer, words.count > 1 ? String(words[1]) : "", headers)
            }
        }
    }

    func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }
}

extension Peer {
    func answer(_ status: String, _ headers: [String] = [], _ body: [UInt8] = []) {
        say((["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + headers).map { "\($0)\r\n" }.joined())
        say(body)
    }
}

/// A loop for one test, ended with it.
nonisolated(nonsending) func withLoop(_ body: nonisolated(nonsending) (TransferLoop) async throws -> Void) async throws {
    let loop = TransferLoop(logger: logger)
    do {
        try await body(loop)
        await loop.shutdown()
    } catch {
        await loop.shutdown()
        throw error
    }
}
