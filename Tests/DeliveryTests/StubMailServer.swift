import Glibc
import Synchronization
import TestServers

/// An SMTP server on loopback that does what the test tells it, misbehaviour included. One thread per connection.
final class StubMailServer: Sendable {
    enum Act: Sendable {
        case accept
        /// Answers RCPT with these words.
        case refuse(String)
        /// Answers the final dot with these words.
        case answer(String)
        /// Hangs up when DATA is asked for: nothing can have been taken.
        case dropBeforeDot
        /// Reads the whole message, perhaps keeps it, and hangs up without a word.
        case dropAfterDot
        /// Takes it after that many milliseconds.
        case slow(UInt32)
        /// Takes it, and hangs up as soon as the client comes with another one.
        case acceptThenLeave
    }

    struct Mail: Sendable {
        let recipient: String
        let bytes: [UInt8]
        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    private struct State {
        var accepted: [Mail] = []
        var swallowed: [Mail] = []
        var attempts: [String: Int] = [:]
        var connections = 0
        var open = 0
        var openMost = 0
    }

    private let door = LoopbackDoor()
    var port: UInt16 { UInt16(door.port) }
    private let state = Mutex(State())
    private let decide: @Sendable (_ recipient: String, _ attempt: Int) -> Act

    var accepted: [Mail] { state.withLock { $0.accepted } }
    var swallowed: [Mail] { state.withLock { $0.swallowed } }
    var connections: Int { state.withLock { $0.connections } }
    var openMost: Int { state.withLock { $0.openMost } }
    func attempts(for recipient: String) -> Int { state.withLock { $0.attempts[recipient] ?? 0 } }
    var url: String { "smtp://127.0.0.1:\(port)" }

    init(_ decide: @escaping @Sendable (_ recipient: String, _ attempt: Int) -> Act = { _, _ in .accept }) {
        signal(SIGPIPE, SIG_IGN)
        self.decide = decide
        door.open { [weak self] client in
            guard let self else { return _ = close(client) }
            serve(client)
        }
    }

    /// Nobody listens any more.
    func stop() { door.stop() }

    // MARK: The dialogue

    private func serve(_ client: Int32) {
        state.withLock { state in
            state.connections += 1
            state.open += 1
            state.openMost = max(state.openMost, state.open)
        }
        defer {
            state.withLock { $0.open -= 1 }
            close(client)
        }
        var lines = LineReader(client: client)
        var recipient = ""
        var act = Act.accept
        var isLeaving = false
        say("220 stub ready", to: client)
        while let line = lines.next() {
            let verb = line.prefix(4).uppercased()
            switch verb {
            case "EHLO": say("250-stub\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES", to: client)
            case "MAIL":
                if isLeaving { return }
                say("250 2.1.0 ok", to: client)
            case "RCPT":
                recipient = String(line.split(separator: "<").last?.split(separator: ">").first ?? "")
                let attempt = state.withLock { state in
                    state.attempts[recipient, default: 0] += 1
                    return state.attempts[recipient]!
                }
                act = decide(recipient, attempt)
                if case .refuse(let words) = act { say(words, to: client) } else { say("250 2.1.5 ok", to: client) }
            case "DATA":
                if case .refuse = act {
                    say("503 5.5.1 no recipient", to: client)
                    continue
                }
                if case .dropBeforeDot = act { return }
                say("354 go on", to: client)
                guard let bytes = lines.message() else { return }
                guard finish(act, Mail(recipient: recipient, bytes: bytes), client) else { return }
                if case .acceptThenLeave = act { isLeaving = true }
            case "QUIT":
                say("221 bye", to: client)
                return
            default: say("250 ok", to: client)
            }
        }
    }

    /// - Returns: false to hang up.
    private func finish(_ act: Act, _ mail: Mail, _ client: Int32) -> Bool {
        switch act {
        case .answer(let words):
            say(words, to: client)
        case .dropAfterDot:
            state.withLock { $0.swallowed.append(mail) }
            return false
        case .slow(let milliseconds):
            usleep(milliseconds * 1000)
            fallthrough
        default:
            state.withLock { $0.accepted.append(mail) }
            say("250 2.0.0 taken", to: client)
        }
        return true
    }

    private func say(_ text: String, to client: Int32) {
        let bytes = Array((text + "\r\n").utf8)
        _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }
}

private struct LineReader {
    let client: Int32
    private var buffer: [UInt8] = []

    init(client: Int32) { self.client = client }

    mutating func next() -> String? { nextBytes().map { String(decoding: $0, as: UTF8.self) } }

    /// Up to the line with only a dot; doubled dots made single.
    mutating func message() -> [UInt8]? {
        var message: [UInt8] = []
        while let line = nextBytes() {
            if line == [UInt8(ascii: ".")] { return message }
            message += (line.first == UInt8(ascii: ".") ? Array(line.dropFirst()) : line) + [13, 10]
        }
        return nil
    }

    /// Without its CRLF. A bare LF stays inside the line, where a test can see it.
    private mutating func nextBytes() -> [UInt8]? {
        while true {
            if let end = buffer.indices.first(where: { buffer[$0] == 13 && $0 + 1 < buffer.count && buffer[$0 + 1] == 10 }) {
                let line = Array(buffer[..<end])
                buffer.removeFirst(end + 2)
                return line
            }
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = recv(client, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            buffer += chunk[..<count]
        }
    }
}
