import Domain
import Glibc

/// One question to one server: by datagram, again by stream when the answer did not fit (RFC 7766). Lives on the loop's thread.
final class DNSExchange: LoopCore.Guest {
    enum Failure: Error, Equatable {
        case timedOut
        case network(String)
        case malformed(String)
    }

    private let server: DNSServer
    private let query: DNSQuery
    private let deadline: Int64
    private var continuation: CheckedContinuation<DNSMessage, any Error>?
    private var descriptor: Int32 = -1
    private var isStream = false
    /// Of the stream: what is still to be sent, and what has come.
    private var outgoing: ArraySlice<UInt8> = []
    private var incoming: [UInt8] = []

    init(id: Int, server: DNSServer, query: DNSQuery, timeout: Duration) {
        self.server = server
        self.query = query
        deadline = LoopCore.now() + max(1, timeout.milliseconds)
        super.init(guest: id)
    }

    func start(in core: LoopCore, _ continuation: CheckedContinuation<DNSMessage, any Error>) {
        self.continuation = continuation
        core.add(guest: self)
        core.schedule(id, at: deadline)
        guard open(Int32(SOCK_DGRAM.rawValue)) else { return end(.failure(.network(reason)), in: core) }
        let sent = query.bytes.withUnsafeBytes {
            send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == query.bytes.count else { return end(.failure(.network(reason)), in: core) }
        core.watch(descriptor, for: id, reading: true, writing: false)
    }

    /// A new socket, and with it a new port that nobody can guess: the kernel chooses at random.
    private func open(_ kind: Int32) -> Bool {
        descriptor = socket(
            server.family, kind | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        return server.connect(descriptor) == 0 || errno == EINPROGRESS
    }

    private var reason: String { String(cString: strerror(errno)) }

    override func ready(in core: LoopCore) {
        if isStream {
            readStream(in: core)
        } else {
            readDatagrams(in: core)
        }
    }

    override func expired(in core: LoopCore) { end(.failure(.timedOut), in: core) }

    override func leaving(_ core: LoopCore) {
        guard descriptor >= 0 else { return }
        core.watch(descriptor, for: id, reading: false, writing: false)
        close(descriptor)
        descriptor = -1
    }

    override func fail(_ error: any Error) {
        continuation?.resume(throwing: error)
        continuation = nil
    }

    private func end(_ result: Result<DNSMessage, Failure>, in core: LoopCore) {
        core.remove(id)
        continuation?.resume(with: result.mapError { $0 as any Error })
        continuation = nil
    }

    // MARK: Datagrams

    /// Packets that do not answer our question are passed over; the real answer may still come.
    private func readDatagrams(in core: LoopCore) {
        while true {
            let count = recv(descriptor, core.scratch.baseAddress, core.scratch.count, 0)
            if count < 0 {
                if errno == EAGAIN || errno == EINTR { return }
                return end(.failure(.network(reason)), in: core)
            }
            let packet = [UInt8](core.scratch[..<count])
            guard query.isAnswered(by: packet) else { continue }
            if packet[2] & 2 != 0 { return askByStream(in: core) }
            return take(packet, in: core)
        }
    }

    private func take(_ packet: [UInt8], in core: LoopCore) {
        do throws(DNSFormatError) {
            end(.success(try DNSMessage(packet)), in: core)
        } catch {
            end(.failure(.malformed(error.reason)), in: core)
        }
    }

    // MARK: The stream

    private func askByStream(in core: LoopCore) {
        core.watch(descriptor, for: id, reading: false, writing: false)
        close(descriptor)
        isStream = true
        guard open(Int32(SOCK_STREAM.rawValue)) else {
            return end(.failure(.network(reason)), in: core)
        }
        outgoing =
            ([UInt8(query.bytes.count >> 8), UInt8(query.bytes.count & 0xff)] + query.bytes)[...]
        core.watch(descriptor, for: id, reading: true, writing: true)
    }

    private func readStream(in core: LoopCore) {
        while !outgoing.isEmpty {
            let count = outgoing.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0 {
                if errno == EAGAIN || errno == EINTR { return }
                return end(.failure(.network(reason)), in: core)
            }
            outgoing = outgoing.dropFirst(count)
        }
        core.watch(descriptor, for: id, reading: true, writing: false)
        while true {
            let count = recv(descriptor, core.scratch.baseAddress, core.scratch.count, 0)
            if count < 0 {
                if errno == EAGAIN || errno == EINTR { return }
                return end(.failure(.network(reason)), in: core)
            }
            if count == 0 {
                return end(.failure(.network("it closed the connection in the middle")), in: core)
            }
            incoming += core.scratch[..<count]
            guard incoming.count >= 2 else { continue }
            // At most 64 KiB by its own two bytes of length.
            let length = Int(incoming[0]) << 8 | Int(incoming[1])
            guard incoming.count >= 2 + length else { continue }
            let packet = Array(incoming[2..<2 + length])
            guard query.isAnswered(by: packet) else {
                return end(.failure(.malformed("it answers another question")), in: core)
            }
            return take(packet, in: core)
        }
    }
}
