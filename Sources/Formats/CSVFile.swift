import FoundationEssentials
import Glibc

/// A CSV file of any length, read in pieces: a list of a million people needs no more memory than one of a thousand.
public struct CSVFile: ~Copyable {
    public static let chunkBytes = 256 << 10
    /// A single record may be as long as this.
    public static let recordBytesMax = 4 << 20

    private let descriptor: Int32
    private var header: [UInt8] = []
    private var rest: [UInt8] = []
    private var isAtEnd = false

    /// - Throws: `CSVFileError`.
    public init(path: String) throws(CSVFileError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        if rest.isEmpty { try fill() }
        // UTF-16 has zero bytes in every second place; its records cannot be cut by looking for line ends.
        if rest.starts(with: [0xFF, 0xFE]) || rest.starts(with: [0xFE, 0xFF]) { throw .encoding(path: path) }
    }

    deinit { close(descriptor) }

    /// The next rows; nil at the end.
    public mutating func next() throws -> [CSVRow]? {
        while true {
            if header.isEmpty {
                guard let end = Self.end(of: rest, last: false) ?? (isAtEnd && !rest.isEmpty ? rest.count : nil) else {
                    if isAtEnd { return nil }
                    try fill()
                    continue
                }
                header = Array(rest[..<end])
                if header.last != 0x0A { header.append(0x0A) }
                rest.removeFirst(end)
            }
            if !isAtEnd, rest.count < Self.chunkBytes {
                try fill()
                continue
            }
            if rest.isEmpty { return nil }
            guard let end = isAtEnd ? rest.count : Self.end(of: rest, last: true) else {
                guard rest.count < Self.recordBytesMax else { throw CSVFileError.recordTooLong(max: Self.recordBytesMax) }
                try fill()
                continue
            }
            let rows = try CSV.parse(header + rest[..<end])
            rest.removeFirst(end)
            if !rows.isEmpty { return rows }
        }
    }

    private mutating func fill() throws(CSVFileError) {
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        let count = read(descriptor, &chunk, chunk.count)
        guard count >= 0 else { throw .unreadable(path: "the file", reason: String(cString: strerror(errno))) }
        if count == 0 { isAtEnd = true } else { rest += chunk[..<count] }
    }

    /// Behind the first or last line end that stands outside quotes. A quote opens a field only at its start, as in `CSV`.
    private static func end(of bytes: [UInt8], last: Bool) -> Int? {
        var isQuoted = false
        var isAtStart = true
        var found: Int?
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if isQuoted {
                guard byte == 0x22 else { continue }
                if index < bytes.count, bytes[index] == 0x22 { index += 1 } else { isQuoted = false }
            } else if byte == 0x22, isAtStart {
                (isQuoted, isAtStart) = (true, false)
            } else if byte == 0x0A {
                found = index
                if !last { return found }
                isAtStart = true
            } else {
                isAtStart = byte == 0x2C || byte == 0x3B || byte == 0x09
            }
        }
        return found
    }
}

public enum CSVFileError: Error, Hashable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case encoding(path: String)
    case recordTooLong(max: Int)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .encoding(let path): "\(path) is written in UTF-16; save it as UTF-8"
        case .recordTooLong(let max): "a record of the CSV is longer than \(max) bytes; is a quote never closed?"
        }
    }
}
