import Glibc

/// Gives back memory that only starting up or the last burst of work needed: an idle daemon should be as small as what it still uses.
///
/// Dropped are clean pages that the kernel can fetch again from their file at no risk: program text (`r-xp` holds no relocations) and the
/// models.
/// Written pages, also those that relocation wrote (`r--p` of a library), are never touched.
enum Residence {
    static let mapsBytesMax = 1 << 20

    /// Returns how many bytes of mappings were let go; what is used again comes back page by page.
    @discardableResult
    static func shrink() -> Int {
        var total = 0
        for line in maps().split(separator: "\n") {
            guard let range = mapping(of: line), madvise(UnsafeMutableRawPointer(bitPattern: range.start), range.count, MADV_DONTNEED) == 0
            else {
                continue
            }
            total += range.count
        }
        return total
    }

    /// Read by hand: a file of /proc says that it is empty.
    private static func maps() -> String {
        let descriptor = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < mapsBytesMax {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `55d0…-55d1… r-xp 00001000 fe:00 123  /usr/bin/hongyan` → where it lies, when it may be let go.
    static func mapping(of line: Substring) -> (start: UInt, count: Int)? {
        let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
        guard fields.count == 6 else { return nil }
        let path = fields[5].drop { $0 == " " }  // the column is padded
        guard path.hasPrefix("/") else { return nil }
        let isModel = fields[1] == "r--s" || (fields[1] == "r--p" && path.hasSuffix(".bin"))
        guard fields[1] == "r-xp" || isModel else { return nil }
        let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard ends.count == 2, ends[0] > 0, ends[1] > ends[0] else { return nil }
        return (ends[0], Int(ends[1] - ends[0]))
    }
}

/// When to shrink: once things have settled after the start, and again after each burst of work, when nothing has happened for a while.
struct RestRule: Sendable, Equatable {
    /// Ticks without work that count as rest.
    static let ticksOfRest = 3
    private var last = -1
    private var quietTicks = 0
    private var isShrunk = false

    /// - Parameter work: a number that grows with any work.
    /// - Returns: true when it is time to shrink.
    mutating func tick(work: Int) -> Bool {
        if work != last {
            last = work
            quietTicks = 0
            isShrunk = false
            return false
        }
        quietTicks += 1
        guard quietTicks >= Self.ticksOfRest, !isShrunk else { return false }
        isShrunk = true
        return true
    }
}
