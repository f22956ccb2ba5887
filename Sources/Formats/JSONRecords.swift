import Glibc

/// The records of a JSON file of any length, read in pieces: one object on each line, a list of objects, or an object with one such list.
public final class JSONRecords {
    public static let chunkBytes = 256 << 10
    /// A single record may be as long as this.
    public static let recordBytesMax = 4 << 20

    private let descriptor: Int32
    private var bytes: [UInt8] = []
    private var at = 0
    private var line = 1
    private var isAtEnd = false
    private var isStarted = false
    /// Inside a list that ends with `]`; otherwise records follow each other.
    private var isList = false

    /// - Throws: `JSONRecordsError`.
    public init(path: String) throws(JSONRecordsError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
    }

    deinit { close(descriptor) }

    /// The next record and the line it begins on; nil at the end. A record that is no JSON comes as what is wrong with it.
    public func next() throws(JSONRecordsError) -> (line: Int, record: Result<JSONValue, JSONError>)? {
        if !isStarted { try start() }
        guard let first = try peek() else {
            if isList { throw .endsEarly(line: line) }
            return nil
        }
        if isList, first == 0x5D { return nil }
        let begins = line
        // Reading on may move what is read already: its place is known only afterwards.
        let length = try value()
        let record = Array(bytes[at..<(at + length)])
        skip(length)
        do throws(JSONError) { return (begins, .success(try JSONValue.parse(record))) } catch { return (begins, .failure(error)) }
    }

    /// Where the records begin.
    private func start() throws(JSONRecordsError) {
        isStarted = true
        try fill()
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        guard let first = try peek() else { return }
        if first == 0x5B {
            isList = true
            at += 1
        } else if first == 0x7B, try isDocument() {
            at += 1
            try enterList()
        }
    }

    /// A first line that is one whole object, with more behind it, begins a file of lines.
    private func isDocument() throws(JSONRecordsError) -> Bool {
        while true {
            if let end = bytes[at...].firstIndex(of: 0x0A) {
                guard (try? JSONValue.parse(Array(bytes[at..<end]))) != nil else { return true }
                let rest = bytes[end...].contains { $0 > 0x20 }
                return !rest && isAtEnd
            }
            if isAtEnd || bytes.count > Self.recordBytesMax {
                // One line and no more: a document when it holds a list of objects, else a single record.
                return (try? JSONValue.parse(Array(bytes[at...]))).map(Self.holdsList) ?? true
            }
            try fill()
        }
    }

    private static func holdsList(_ value: JSONValue) -> Bool {
        guard case .object(let members) = value else { return false }
        return members.count <= 8
            && members.contains { $0.value.array?.first.map { if case .object = $0 { true } else { false } } ?? false }
    }

    /// Goes to the first list among the members of the object that was opened.
    private func enterList() throws(JSONRecordsError) {
        while let byte = try peek() {
            if byte == 0x7D { return at += 1 }
            let name = try value()
            skip(name)
            guard try peek() == 0x3A else { throw .noList(line: line) }
            at += 1
            guard let opens = try peek() else { throw .endsEarly(line: line) }
            if opens == 0x5B {
                at += 1
                isList = true
                return
            }
            skip(try value())
        }
        throw .endsEarly(line: line)
    }

    private func skip(_ count: Int) {
        for byte in bytes[at..<(at + count)] where byte == 0x0A { line += 1 }
        at += count
    }

    /// The first byte that is neither white space nor a comma.
    private func peek() throws(JSONRecordsError) -> UInt8? {
        while true {
            while at < bytes.count {
                let byte = bytes[at]
                if byte == 0x0A { line += 1 }
                if byte > 0x20, byte != 0x2C { return byte }
                at += 1
            }
            if isAtEnd { return nil }
            try fill()
        }
    }

    /// How long the value is that begins here.
    private func value() throws(JSONRecordsError) -> Int {
        var depth = 0
        var isQuoted = false
        var isEscaped = false
        var length = 0
        while true {
            guard at + length < bytes.count else {
                if isAtEnd {
                    guard depth == 0, !isQuoted, length > 0 else { throw .endsEarly(line: line) }
                    return length
                }
                guard length < Self.recordBytesMax else { throw .recordTooLong(line: line, max: Self.recordBytesMax) }
                try fill()
                continue
            }
            let byte = bytes[at + length]
            if isQuoted {
                if isEscaped { isEscaped = false } else if byte == 0x5C { isEscaped = true } else if byte == 0x22 { isQuoted = false }
                length += 1
                if !isQuoted, depth == 0 { return length }
                continue
            }
            switch byte {
            case 0x22: isQuoted = true
            case 0x7B, 0x5B: depth += 1
            case 0x7D, 0x5D:
                if depth == 0 { return length }
                depth -= 1
                if depth == 0 { return length + 1 }
            case 0x2C, 0x3A, 0x0A: if depth == 0, length > 0 { return length }
            default: break
            }
            length += 1
        }
    }

    private func fill() throws(JSONRecordsError) {
        if at > Self.chunkBytes {
            bytes.removeFirst(at)
            at = 0
        }
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        let count = read(descriptor, &chunk, chunk.count)
        guard count >= 0 else { throw .unreadable(path: "the file", reason: String(cString: strerror(errno))) }
        if count == 0 { isAtEnd = true } else { bytes += chunk[..<count] }
    }
}

public enum JSONRecordsError: Error, Hashable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case endsEarly(line: Int)
    case noList(line: Int)
    case recordTooLong(line: Int, max: Int)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .endsEarly(let line): "the file ends in the middle of something that begins near line \(line); was it cut off?"
        case .noList(let line): "line \(line) is no JSON; a list of objects is wanted, or one object on each line"
        case .recordTooLong(let line, let max): "the record on line \(line) is longer than \(max) bytes; is a bracket never closed?"
        }
    }
}
