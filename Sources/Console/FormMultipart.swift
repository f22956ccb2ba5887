/// Takes a `multipart/form-data` body apart while it comes (RFC 7578): holds no more than a piece and a boundary.
struct FormMultipart {
    struct Head: Sendable, Equatable {
        var name: String
        /// Nil for a field; empty for a file box that was left empty.
        var fileName: String?
        var type: String?
    }

    enum Event: Equatable {
        case part(Head)
        case bytes([UInt8])
        case end
    }

    enum Mistake: Error, Equatable { case unreadable, tooLong }

    static let headBytesMax = 16 << 10
    static let boundaryBytesMax = 200

    private enum State { case before, delimiter, head, body, after }

    private let mark: [UInt8]
    private var state = State.before
    private var held: [UInt8] = [0x0D, 0x0A]  // so that the first boundary looks like all others

    init(boundary: String) throws(Mistake) {
        guard !boundary.isEmpty, boundary.utf8.count <= Self.boundaryBytesMax else { throw .unreadable }
        mark = Array("\r\n--\(boundary)".utf8)
    }

    mutating func feed(_ bytes: [UInt8]) throws(Mistake) -> [Event] {
        held += bytes
        var events: [Event] = []
        while try step(&events) {}
        return events
    }

    /// - Throws: when the body broke off.
    func finish() throws(Mistake) { guard state == .after else { throw .unreadable } }

    /// - Returns: whether there is more to do with what is held.
    private mutating func step(_ events: inout [Event]) throws(Mistake) -> Bool {
        switch state {
        case .before, .body:
            if let at = Self.find(mark, in: held) {
                if state == .body {
                    if at > 0 { events.append(.bytes(Array(held[..<at]))) }
                    events.append(.end)
                }
                held.removeFirst(at + mark.count)
                state = .delimiter
                return true
            }
            let free = held.count - (mark.count - 1)
            guard free > 0 else { return false }
            if state == .body { events.append(.bytes(Array(held[..<free]))) }
            held.removeFirst(free)
            return false
        case .delimiter:
            guard held.count >= 2 else { return false }
            if held[0] == 0x2D, held[1] == 0x2D {
                state = .after
                held = []
                return false
            }
            guard let end = Self.find([0x0D, 0x0A], in: held) else {
                if held.count > Self.boundaryBytesMax { throw .unreadable }
                return false
            }
            guard held[..<end].allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { throw .unreadable }
            held.removeFirst(end)  // the line end stays: a part may have no header at all
            state = .head
            return true
        case .head:
            guard let end = Self.find([0x0D, 0x0A, 0x0D, 0x0A], in: held) else {
                if held.count > Self.headBytesMax { throw .tooLong }
                return false
            }
            events.append(.part(try Self.head(held[..<end])))
            held.removeFirst(end + 4)
            state = .body
            return true
        case .after: return false
        }
    }

    private static func head(_ bytes: ArraySlice<UInt8>) throws(Mistake) -> Head {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
        guard let disposition = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            let name = Fields.parameter("name", of: disposition)
        else { throw .unreadable }
        let type = lines.first { $0.lowercased().hasPrefix("content-type:") }.map { String($0.dropFirst("content-type:".count)).trimmed }
        return Head(name: name, fileName: Fields.fileName(of: disposition), type: type?.lowercased())
    }

    private static func find(_ needle: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            needle.withUnsafeBufferPointer { needle in
                var at = 0
                let last = bytes.count - needle.count
                while at <= last {
                    if bytes[at] == needle[0] {
                        var i = 1
                        while i < needle.count, bytes[at + i] == needle[i] { i += 1 }
                        if i == needle.count { return at }
                    }
                    at += 1
                }
                return nil
            }
        }
    }
}
