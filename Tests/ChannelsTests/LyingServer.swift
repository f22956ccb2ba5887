import Foundation
import Glibc
import Synchronization
import TestServers

/// A web server on loopback that says what a test tells it to, byte for byte.
final class LyingServer: Sendable {
    /// One request's answer. Used by one thread.
    struct Peer {
        let descriptor: Int32
        let path: String
        fileprivate let count: @Sendable (Int) -> Void

        /// - Returns: false when nobody listens any more.
        @discardableResult
        func say(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let written = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL)) }
                guard written > 0 else { return false }
                sent += written
                count(written)
            }
            return true
        }

        @discardableResult
        func say(_ text: String) -> Bool { say(Array(text.utf8)) }

        func answer(_ body: [UInt8], _ status: String = "200 OK", _ headers: [String] = ["Content-Type: application/json"]) {
            say("HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\(headers.map { $0 + "\r\n" }.joined())\r\n")
            say(body)
        }

        func answer(_ body: String, _ status: String = "200 OK", _ headers: [String] = ["Content-Type: application/json"]) {
            answer(Array(body.utf8), status, headers)
        }
    }

    private let door = LoopbackDoor()
    private let notes = Mutex((asked: [String](), bytes: 0))

    var url: String { "http://127.0.0.1:\(door.port)" }
    var asked: [String] { notes.withLock { $0.asked } }
    /// Bytes that went out.
    var bytes: Int { notes.withLock { $0.bytes } }

    init(_ script: @escaping @Sendable (Peer) -> Void) {
        door.open { [weak self] visitor in
            defer { close(visitor) }
            guard let self else { return }
            var head: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 65_536)
            while !head.contains([0x0D, 0x0A, 0x0D, 0x0A]), head.count < 1 << 20 {
                let got = recv(visitor, &chunk, chunk.count, 0)
                guard got > 0 else { return }
                head += chunk[..<got]
            }
            let path = String(decoding: head, as: UTF8.self).split(separator: " ").dropFirst().first.map(String.init) ?? ""
            notes.withLock { $0.asked.append(path) }
            script(Peer(descriptor: visitor, path: path) { count in self.notes.withLock { $0.bytes += count } })
        }
    }

    func stop() { door.stop() }

    /// A gzip stream of a few hundred kilobytes that unpacks to `bytes` zeros: one literal, then matches of 258 in one fixed block
    /// (RFC 1951 §3.2.6). Its checksum is wrong, which nobody lives to see.
    static func bomb(bytes: Int) -> [UInt8] {
        var out: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
        var (buffer, used) = (UInt64(0), 0)
        func put(_ value: UInt64, _ width: Int) {
            buffer |= value << UInt64(used)
            used += width
            while used >= 8 {
                out.append(UInt8(buffer & 0xFF))
                buffer >>= 8
                used -= 8
            }
        }
        func code(_ value: UInt64, _ width: Int) { for bit in (0..<width).reversed() { put(value >> UInt64(bit) & 1, 1) } }
        put(1, 1)
        put(1, 2)
        code(0b00110000, 8)
        for _ in 0..<(bytes / 258) {
            code(0b11000101, 8)
            code(0, 5)
        }
        code(0, 7)
        put(0, 7)
        return out + [UInt8](repeating: 0, count: 8)
    }
}
