// Servers that several test targets talk to. They run on threads of their own and do what the test tells them, misbehaviour included.
import Glibc
import Synchronization

/// A DNS server on loopback, by datagram and by stream on one port. Written apart from the product's own reader.
public final class NameServer: Sendable {
    public struct Question: Sendable, Hashable {
        /// Lower case, without the final dot.
        public let name: String
        /// 1 A, 5 CNAME, 12 PTR, 15 MX, 16 TXT, 28 AAAA.
        public let type: UInt16
        public let isStream: Bool
    }

    public struct Record: Sendable {
        public var name: String
        public var type: UInt16
        public var seconds: UInt32
        public var data: [UInt8]

        public init(_ name: String, type: UInt16, seconds: UInt32 = 300, data: [UInt8]) {
            (self.name, self.type, self.seconds, self.data) = (name, type, seconds, data)
        }
    }

    public struct Answer: Sendable {
        /// 0 fine, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
        public var code: UInt8 = 0
        public var records: [Record] = []
        public var authority: [Record] = []
        public var isTruncated = false
        public var isSilent = false
        /// Sent as it is, after the header's id was put in.
        public var raw: [UInt8]?
        /// Does not repeat the question's letters as they were.
        public var foldsCase = false
        /// Sends packets before the real one.
        public var forgeries: [[UInt8]] = []

        public init(_ records: [Record] = [], code: UInt8 = 0) {
            self.records = records
            self.code = code
        }
    }

    public let port: UInt16
    private let datagrams: OpenSocket
    private let listener: OpenSocket
    private let asked = Mutex<[Question]>([])
    private let answer: @Sendable (Question) -> Answer

    public var questions: [Question] { asked.withLock { $0 } }

    public init(_ answer: @escaping @Sendable (Question) -> Answer) {
        self.answer = answer
        // The stream's port is taken first; the datagram's must be the same one.
        var both: (Int32, Int32, UInt16)?
        while both == nil {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard let port = Self.bindTo(listener, 0), listen(listener, 64) == 0 else {
                fatalError("no port on loopback")
            }
            let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
            if Self.bindTo(datagrams, port) != nil {
                both = (listener, datagrams, port)
            } else {
                close(listener)
                close(datagrams)
            }
        }
        let (listening, receiving, port) = both!
        (listener, datagrams) = (OpenSocket(listening), OpenSocket(receiving))
        self.port = port
        onThread { [weak self, datagrams] in
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                var peer = sockaddr_in()
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                let count = withUnsafeMutablePointer(to: &peer) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(receiving, &buffer, buffer.count, 0, $0, &size)
                    }
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0, let self else { break }
                let packets = self.packets(for: Array(buffer[..<count]), isStream: false)
                for packet in packets {
                    _ = withUnsafePointer(to: &peer) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            sendto(receiving, packet, packet.count, 0, $0, size)
                        }
                    }
                }
            }
            datagrams.close()
        }
        onThread { [weak self, listener] in
            while true {
                let client = accept(listening, nil, nil)
                if client < 0, errno == EINTR || errno == ECONNABORTED { continue }
                guard client >= 0 else { break }
                guard let self else {
                    close(client)
                    break
                }
                onThread { self.serve(client) }
            }
            listener.close()
        }
    }

    deinit {
        listener.end()
        datagrams.end()
    }

    private static func bindTo(_ descriptor: Int32, _ port: UInt16) -> UInt16? {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
            }
        }
        return isBound ? UInt16(bigEndian: address.sin_port) : nil
    }

    private func serve(_ client: Int32) {
        defer { close(client) }
        var input: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            while input.count >= 2, input.count >= 2 + Int(input[0]) << 8 + Int(input[1]) {
                let length = Int(input[0]) << 8 | Int(input[1])
                for packet in packets(for: Array(input[2..<2 + length]), isStream: true) {
                    let framed = [UInt8(packet.count >> 8), UInt8(packet.count & 0xff)] + packet
                    // In two pieces: a reader must wait for the rest.
                    send(client, framed, 3, Int32(MSG_NOSIGNAL))
                    usleep(2000)
                    _ = framed.withUnsafeBytes {
                        send(client, $0.baseAddress! + 3, $0.count - 3, Int32(MSG_NOSIGNAL))
                    }
                }
                input.removeFirst(2 + length)
            }
            let count = recv(client, &chunk, chunk.count, 0)
            guard count > 0 else { return }
            input += chunk[..<count]
        }
    }

    private func packets(for query: [UInt8], isStream: Bool) -> [[UInt8]] {
        var position = 12
        var labels: [String] = []
        while query[position] != 0 {
            let length = Int(query[position])
            labels.append(
                String(decoding: query[position + 1..<position + 1 + length], as: UTF8.self).lowercased())
            position += 1 + length
        }
        let end = position + 5
        let type = UInt16(query[position + 1]) << 8 | UInt16(query[position + 2])
        let question = Question(name: labels.joined(separator: "."), type: type, isStream: isStream)
        asked.withLock { $0.append(question) }
        let answer = answer(question)
        if answer.isSilent { return [] }
        let forged = answer.forgeries
        if let raw = answer.raw { return forged + [Array(query[..<2]) + raw] }
        var packet =
            Array(query[..<2]) + [0x81 | (answer.isTruncated ? 2 : 0), 0x80 | answer.code, 0, 1]
        packet += [0, UInt8(answer.records.count), 0, UInt8(answer.authority.count), 0, 0]
        packet += query[12..<end].map {
            answer.foldsCase && (0x41...0x5a).contains($0) ? $0 | 0x20 : $0
        }
        for record in answer.records + answer.authority { packet += Self.bytes(record) }
        return forged + [packet]
    }

    private static func bytes(_ record: Record) -> [UInt8] {
        let seconds = withUnsafeBytes(of: record.seconds.bigEndian) { Array($0) }
        return wire(record.name) + [UInt8(record.type >> 8), UInt8(record.type & 0xff), 0, 1] + seconds
            + [UInt8(record.data.count >> 8), UInt8(record.data.count & 0xff)] + record.data
    }

    public static func wire(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }
}

extension NameServer.Record {
    public static func a(_ name: String, _ address: String, seconds: UInt32 = 300) -> Self {
        Self(
            name, type: 1, seconds: seconds, data: address.split(separator: ".").compactMap { UInt8($0) })
    }

    public static func mx(_ name: String, _ preference: UInt16, _ host: String, seconds: UInt32 = 300)
        -> Self
    {
        Self(
            name, type: 15, seconds: seconds,
            data: [UInt8(preference >> 8), UInt8(preference & 0xff)] + NameServer.wire(host))
    }

    public static func cname(_ name: String, _ target: String, seconds: UInt32 = 300) -> Self {
        Self(name, type: 5, seconds: seconds, data: NameServer.wire(target))
    }

    public static func ptr(_ name: String, _ target: String) -> Self {
        Self(name, type: 12, data: NameServer.wire(target))
    }

    /// - Parameter texts: one record's strings, each at most 255 bytes.
    public static func txt(_ name: String, _ texts: [String], seconds: UInt32 = 300) -> Self {
        Self(
            name, type: 16, seconds: seconds,
            data: texts.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) })
    }

    /// Says for how long an absence may be remembered.
    public static func soa(_ name: String, minimum: UInt32) -> Self {
        let numbers = [1, 7200, 900, 1_209_600, minimum].flatMap { number in
            withUnsafeBytes(of: number.bigEndian) { Array($0) }
        }
        return Self(
            name, type: 6,
            data: NameServer.wire("ns." + name) + NameServer.wire("admin." + name) + numbers)
    }
}

/// Blocking work gets a thread of its own; the cooperative pool has too few to give one away.
public func onThread(_ work: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { box in
            Unmanaged<Box>.fromOpaque(box!).takeRetainedValue().work()
            return nil
        }, Unmanaged.passRetained(Box(work)).toOpaque())
    pthread_detach(thread)
}
