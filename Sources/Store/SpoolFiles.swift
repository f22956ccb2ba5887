import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Raw mails beside an embedded database, appended to segment files: written once and synced once for a whole batch, where a blob in the
/// database is written twice (log and table) in pages. A row tells the place as `segment:offset:length` and is committed only after the
/// bytes are durable; what a crash leaves behind without a row is never read. Calls block and belong on a lane's thread.
final class SpoolFiles: Sendable {
    /// A new segment is begun after this.
    static let segmentBytesMax = 64 << 20

    private struct Segment {
        var name: String
        var file: Int32
        var size: Int
    }

    private let folder: String
    private let open: Mutex<Segment?>
    /// What the transaction under way appended to: the segments in turn, and how long each was before. One transaction writes at a time.
    private let appended = Mutex<[(segment: String, size: Int)]>([])

    init(folder: String) throws {
        self.folder = folder
        open = Mutex(nil)
        try FileCalls.makeFolder(folder)
    }

    deinit { open.withLock { if let segment = $0 { close(segment.file) } } }

    /// Durable when it returns.
    /// - Returns: the place of each, in order.
    func append(_ items: [[UInt8]]) throws -> [String] {
        if items.isEmpty { return [] }
        return try open.withLock { open in
            var segment = try open ?? begin()
            // Whatever fails: the next batch begins a file of its own, so that no offset is ever guessed.
            open = nil
            appended.withLock { $0.append((segment.name, segment.size)) }
            var places: [String] = []
            do {
                for bytes in items {
                    try FileCalls.write(bytes, to: segment.file, path: path(segment.name))
                    places.append("\(segment.name):\(segment.size):\(bytes.count)")
                    segment.size += bytes.count
                }
                guard fdatasync(segment.file) == 0 else { throw FileCalls.failure("write", path(segment.name)) }
            } catch {
                close(segment.file)
                throw error
            }
            if segment.size < Self.segmentBytesMax { open = segment } else { close(segment.file) }
            return places
        }
    }

    // MARK: Taking back

    func forgetMarks() { appended.withLock { $0 = [] } }

    func mark() -> Int { appended.withLock { $0.count } }

    /// Takes off what was appended after the mark and has no row now: a copy nobody knows of would outlive the deletion of the message.
    func cutBack(to mark: Int) {
        open.withLock { open in
            appended.withLock { appended in
                while appended.count > mark, let (name, size) = appended.popLast() {
                    // What cannot be taken off is never read, either.
                    guard truncate(path(name), off_t(size)) == 0, open?.name == name else { continue }
                    open?.size = size
                }
            }
        }
    }

    /// - Throws: `StoreError` when the file is gone or shorter than the row says.
    func read(_ place: String) throws -> [UInt8] {
        let (name, offset, count) = try parts(place)
        let path = path(name)
        let file = Self.openFile(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw FileCalls.failure("read", path) }
        defer { close(file) }
        let bytes = try FileCalls.read(file, at: offset, count: count, path: path)
        guard bytes.count == count else {
            throw StoreError(.blob, "\(path) ends before a message that should be in it. Restore it from a backup.")
        }
        return bytes
    }

    /// Writes zeros over the bytes; the row is to forget the place.
    func erase(_ place: String) throws {
        let (name, offset, count) = try parts(place)
        let file = Self.openFile(path(name), O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        let zeros = [UInt8](repeating: 0, count: min(count, 1 << 20))
        var done = 0
        while done < count {
            let written = zeros.withUnsafeBytes { pwrite(file, $0.baseAddress, min($0.count, count - done), off_t(offset + done)) }
            guard written > 0 else { throw FileCalls.failure("write", path(name)) }
            done += written
        }
    }

    /// The name tells processes apart: a command may spool beside the daemon.
    private func begin() throws -> Segment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let name = "\(time.tv_sec)-\(time.tv_nsec)-\(getpid()).raw"
        let file = Self.openFile(path(name), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o640)
        guard file >= 0 else { throw FileCalls.failure("write", path(name)) }
        do { try FileCalls.sync(folder: folder) } catch {
            close(file)
            throw error
        }
        return Segment(name: name, file: file, size: 0)
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    private func parts(_ place: String) throws -> (name: String, offset: Int, count: Int) {
        let words = place.split(separator: ":", omittingEmptySubsequences: false)
        guard words.count == 3, let offset = Int(words[1]), let count = Int(words[2]), offset >= 0, count >= 0, !words[0].isEmpty,
            words[0].utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) || $0 == 45 || $0 == 46 })
        else {
            throw StoreError(
                .corrupt, "\"\(place.prefix(80))\" is no place of spooled bytes. A newer version of hongyan may have written it.")
        }
        return (String(words[0]), offset, count)
    }

    private static func openFile(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 {
        #if canImport(Glibc)
            Glibc.open(path, flags, mode)
        #else
            Darwin.open(path, flags, mode)
        #endif
    }
}
