import FoundationEssentials
import Glibc
import Synchronization

/// Where a browser on this machine brings the code (RFC 8252 §7.3), or standard input, where a person pastes the address.
/// Answers until the right state came; anything else gets a page that says so.
final class LoopbackListener: Sendable {
    static let requestBytesMax = 16 << 10
    /// A browser that opens a connection and says nothing holds up the next one no longer.
    static let requestSecondsMax = 5

    let url: String
    private let socket: Int32

    init(port: Int) throws {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let named = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &size) }
        }
        self.socket = socket
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/"
        guard bound == 0, listen(socket, 8) == 0, named == 0 else {
            // `deinit` closes it
            throw CommandError("cannot listen on 127.0.0.1:\(port): \(String(cString: strerror(errno))); choose another --port")
        }
    }

    deinit { close(socket) }

    /// The code that came with `state`.
    func code(state: String) async throws -> String {
        let waiter = Waiter()
        let socket = socket
        return try await withCheckedThrowingContinuation { continuation in
            waiter.set(continuation)
            Thread.detach { Self.serve(socket, state: state, waiter: waiter) }
            Thread.detach {
                while let line = readLine() {
                    guard let found = Self.found(in: line, state: state) else { continue }
                    waiter.resume(found)
                }
            }
        }
    }

    /// First answer wins.
    private final class Waiter: Sendable {
        private let continuation = Mutex<CheckedContinuation<String, any Error>?>(nil)
        func set(_ new: CheckedContinuation<String, any Error>) { continuation.withLock { $0 = new } }
        var isDone: Bool { continuation.withLock { $0 == nil } }
        func resume(_ result: Result<String, CommandError>) {
            let waiting = continuation.withLock { state in
                defer { state = nil }
                return state
            }
            waiting?.resume(with: result.mapError { $0 })
        }
    }

    private static func serve(_ socket: Int32, state: String, waiter: Waiter) {
        while !waiter.isDone {
            let visitor = accept(socket, nil, nil)
            guard visitor >= 0 else { return }
            var limit = timeval(tv_sec: requestSecondsMax, tv_usec: 0)
            setsockopt(visitor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var buffer = [UInt8](repeating: 0, count: requestBytesMax)
            let count = recv(visitor, &buffer, buffer.count, 0)
            let target =
                count > 0 ? String(decoding: buffer[..<count], as: UTF8.self).split(separator: " ").dropFirst().first.map(String.init) : nil
            let result = target.flatMap { found(in: $0, state: state) }
            let words =
                switch result {
                case .success: "Hongyan may read this mailbox now. You can close this page. 已授权，可以关闭此页。"
                case .failure: "The permission was refused. 授权被拒绝。"
                case nil: "This is not the answer Hongyan waits for. 这不是鸿雁等待的回应。"
                }
            let body = "<!doctype html><meta charset=utf-8><title>Hongyan</title><p>\(words)</p>"
            let head = "HTTP/1.1 \(result == nil ? "404 Not Found" : "200 OK")\r\nContent-Type: text/html; charset=utf-8\r\n"
            let bytes = Array("\(head)Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)".utf8)
            _ = send(visitor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            close(visitor)
            if let result { waiter.resume(result) }
        }
    }

    /// Of an address's query: `+` and `%XX`.
    private static func decoded(_ text: Substring) -> String {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The answer in an address or its path; nil when it is not for us.
    static func found(in text: String, state: String) -> Result<String, CommandError>? {
        guard let mark = text.firstIndex(of: "?") else { return nil }
        var fields: [String: String] = [:]
        for pair in text[text.index(after: mark)...].prefix(while: { $0 != "#" && !$0.isWhitespace }).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            fields[String(parts[0])] = decoded(parts[1])
        }
        guard fields["state"] == state else { return nil }
        if let error = fields["error"] { return .failure(CommandError("the permission was refused (\(error))")) }
        return fields["code"].map { .success($0) }
    }
}

/// A thread of its own for a call that blocks.
enum Thread {
    static func detach(_ body: @escaping @Sendable () -> Void) {
        final class Box { let body: @Sendable () -> Void; init(_ body: @escaping @Sendable () -> Void) { self.body = body } }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
        guard status == 0 else { return box.release() }
        pthread_detach(thread)
    }
}
