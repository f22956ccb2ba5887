import Foundation
import Glibc
import Synchronization
import TestServers

/// A server on loopback whose answers are a script; each connection runs it on a thread of its own.
final class StubServer: Sendable {
    private let door = LoopbackDoor(waitingMax: 4096)
    var port: Int { door.port }
    private let open = Mutex(0)
    private let heard = Mutex<[String]>([])

    /// Every line any connection received.
    var lines: [String] { heard.withLock { $0 } }
    /// Connections that neither side has given up.
    var openConnections: Int { open.withLock { $0 } }

    init(_ script: @escaping @Sendable (Peer) throws -> Void) {
        door.open { [weak self] accepted in
            guard let self else { return _ = Glibc.close(accepted) }
            open.withLock { $0 += 1 }
            let peer = Peer(accepted) { line in self.heard.withLock { $0.append(line) } }
            try? script(peer)
            peer.close()
            open.withLock { $0 -= 1 }
        }
    }
}

/// The server's end of one connection. Used by one thread only.
final class Peer {
    struct Gone: Error {}

    private let descriptor: Int32
    private let hear: (String) -> Void
    private var input: [UInt8] = []
    private var isClosed = false

    init(_ descriptor: Int32, hear: @escaping (String) -> Void) {
        self.descriptor = descriptor
        self.hear = hear
        var limit = timeval(tv_sec: 300, tv_usec: 0)  // a machine with other work on it takes long over hundreds of connections
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Without its line end.
    func line() throws -> String {
        while true {
            if let end = input.firstIndex(of: 10) {
                var line = input[..<end]
                if line.last == 13 { line.removeLast() }
                let text = String(decoding: line, as: UTF8.self)
                input.removeSubrange(...end)
                hear(text)
                return text
            }
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw Gone() }
            input += chunk[..<count]
        }
    }

    func say(_ text: String) { say(Array("\(text)\r\n".utf8)) }

    func say(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// Returns when the other side has closed.
    func untilClosed() { while (try? line()) != nil {} }

    func close() {
        if !isClosed { Glibc.close(descriptor) }
        isClosed = true
    }
}
