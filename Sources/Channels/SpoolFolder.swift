import FoundationEssentials
import Glibc

/// A directory that others drop files into. They write under a name that begins with a dot or ends in `.tmp` or `.part` and rename it when
/// it is whole. A file that was stored moves to `done/`, one that cannot be read to `failed/` with its reason beside it; none is removed.
/// Calls block and belong on the file thread.
struct SpoolFolder {
    static let done = "done"
    static let failed = "failed"
    static let namesMax = 200_000
    /// A file that cannot be read may still be being written by somebody who does not rename.
    static let patienceSeconds: Int64 = 30

    let path: String

    enum Found: Sendable {
        case file(bytes: [UInt8], changedAt: Int64)
        case tooLarge(sizeBytes: Int)
        /// It went, is no file, or is being written just now.
        case nothing
    }

    /// What is there to read, in byte order.
    func names() throws -> [String] {
        let all: [String]
        do { all = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw SourceError.unreadable(path: path, reason: FolderSource.reason(error))
        }
        guard all.count <= Self.namesMax else { throw SourceError.tooManyFiles(path: path, max: Self.namesMax) }
        return all.filter(Self.isReady).sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    static func isReady(_ name: String) -> Bool {
        let lower = name.lowercased()
        return !name.hasPrefix(".") && ![done, failed].contains(name) && ![".tmp", ".part", "~"].contains { lower.hasSuffix($0) }
    }

    /// - Parameter max: bytes.
    func read(_ name: String, max: Int) throws -> Found {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ELOOP { return .nothing }
            throw SourceError.unreadable(path: file, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var before = stat()
        guard fstat(descriptor, &before) == 0, before.st_mode & S_IFMT == S_IFREG else { return .nothing }
        guard before.st_size <= max else { return .tooLarge(sizeBytes: Int(before.st_size)) }
        guard let bytes = FolderSource.bytes(descriptor, max: Int(before.st_size)) else {
            throw SourceError.unreadable(path: file, reason: String(cString: strerror(errno)))
        }
        var after = stat()
        guard fstat(descriptor, &after) == 0, after.st_size == before.st_size, bytes.count == Int(after.st_size) else { return .nothing }
        return .file(bytes: bytes, changedAt: Int64(before.st_mtim.tv_sec) * 1_000_000 + Int64(before.st_mtim.tv_nsec) / 1000)
    }

    /// Only after the commit. A crash before it means that the file is read again, and known.
    func finish(_ name: String) throws { try move(name, to: Self.done) }

    /// The reason is there before the file is.
    func fail(_ name: String, reason: String) throws {
        let folder = try make(Self.failed)
        let target = free(name, in: folder)
        let note = "\(folder)/\(target).reason.txt"
        let text = Array((reason + "\n").utf8)
        let descriptor = open(note, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw SourceError.unreadable(path: note, reason: String(cString: strerror(errno))) }
        let isWritten = text.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == text.count && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten else { throw SourceError.unreadable(path: note, reason: "it cannot be written") }
        try rename(name, to: "\(folder)/\(target)")
    }

    private func move(_ name: String, to part: String) throws {
        let folder = try make(part)
        try rename(name, to: "\(folder)/\(free(name, in: folder))")
    }

    private func rename(_ name: String, to target: String) throws {
        guard Glibc.rename("\(path)/\(name)", target) != 0, errno != ENOENT else { return }
        let reason = "it cannot be moved to \(target): \(String(cString: strerror(errno)))"
        throw SourceError.unreadable(path: "\(path)/\(name)", reason: reason)
    }

    private func make(_ part: String) throws -> String {
        let folder = "\(path)/\(part)"
        guard mkdir(folder, 0o750) != 0, errno != EEXIST else { return folder }
        throw SourceError.unreadable(path: folder, reason: "it cannot be made: \(String(cString: strerror(errno)))")
    }

    /// Names come again (`export.csv` every day); what lies there is not written over.
    private func free(_ name: String, in folder: String) -> String {
        var target = name
        var number = 2
        while access("\(folder)/\(target)", F_OK) == 0 {
            target = "\(name).\(number)"
            number += 1
        }
        return target
    }
}
