import Domain
import Glibc
import Synchronization

/// A time zone: `UTC`, `+08:00`, or a name of the system's zone files such as `Asia/Shanghai` (RFC 8536).
struct Zone: Sendable, Equatable {
    /// Where the system keeps them; the package is tzdata.
    static let folder = "/usr/share/zoneinfo"
    static let fileBytesMax = 64 << 10

    /// Seconds since 1970 from which an offset holds, ascending, and the offset before the first.
    private var changes: [Change] = []
    private var first: Int64

    private struct Change: Sendable, Equatable {
        let at: Int64
        let offset: Int64
    }

    private static let known = Mutex<[String: Zone]>([:])

    /// Nil for a zone the system does not know.
    init?(_ name: String) {
        if name == "UTC" || name == "GMT" || name == "Z" {
            first = 0
            return
        }
        if let fixed = Self.fixed(name) {
            first = fixed
            return
        }
        if let zone = Self.known.withLock({ $0[name] }) {
            self = zone
            return
        }
        guard Self.isName(name), let bytes = Self.read("\(Self.folder)/\(name)"), let zone = Zone(file: bytes) else { return nil }
        Self.known.withLock { $0[name] = zone }
        self = zone
    }

    /// `+08:00`, `-0530`
    private static func fixed(_ name: String) -> Int64? {
        guard let sign = name.first, sign == "+" || sign == "-" else { return nil }
        let digits = name.dropFirst().filter { $0 != ":" }
        guard digits.count == 4, let number = Int64(digits), number % 100 < 60, number / 100 < 24 else { return nil }
        return (sign == "-" ? -1 : 1) * ((number / 100) * 3600 + number % 100 * 60)
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count < 60 && !name.hasPrefix("/") && !name.contains("..")
            && name.utf8.allSatisfy { byte in
                (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
                    || byte == 0x2F || byte == 0x5F || byte == 0x2B || byte == 0x2D
            }
    }

    private static func read(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: fileBytesMax)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        return count > 44 ? Array(bytes[..<count]) : nil
    }

    /// The second block of the file, with times of 64 bits (RFC 8536 §3.2).
    private init?(file: [UInt8]) {
        func number(_ at: Int, _ width: Int) -> Int64 {
            guard at + width <= file.count else { return 0 }
            let value = file[at..<(at + width)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return width == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
        }
        func counts(_ at: Int) -> (utc: Int, standard: Int, leaps: Int, times: Int, types: Int, letters: Int) {
            let all = (0..<6).map { Int(number(at + 20 + $0 * 4, 4)) }
            return (all[0], all[1], all[2], all[3], all[4], all[5])
        }
        guard file.starts(with: Array("TZif".utf8)), file[4] >= 0x32 else { return nil }
        let old = counts(0)
        let start = 44 + old.times * 5 + old.types * 6 + old.letters + old.leaps * 8 + old.standard + old.utc
        guard start + 44 <= file.count, file[start...].starts(with: Array("TZif".utf8)) else { return nil }
        let new = counts(start)
        let times = start + 44
        let kinds = times + new.times * 8
        let types = kinds + new.times
        guard new.times >= 0, new.types > 0, types + new.types * 6 <= file.count else { return nil }
        func offset(_ type: Int) -> Int64 { number(types + min(type, new.types - 1) * 6, 4) }
        first = offset(0)
        changes = (0..<new.times).map { Change(at: number(times + $0 * 8, 8), offset: offset(Int(file[kinds + $0]))) }
    }

    /// East of Greenwich is positive.
    func offsetSeconds(at time: Timestamp) -> Int64 {
        let seconds = time.seconds
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : changes[low - 1].offset
    }

    /// The instant of a local time that was read as if it were UTC. Of an hour that comes twice it is the first one; one that never was
    /// counts as the hour after it.
    func instant(local: Timestamp) -> Timestamp {
        let before = offsetSeconds(at: local - .seconds(86400))
        let guess = local - .seconds(before)
        if offsetSeconds(at: guess) == before { return guess }
        let after = offsetSeconds(at: guess)
        let other = local - .seconds(after)
        return offsetSeconds(at: other) == after ? other : guess
    }
}
