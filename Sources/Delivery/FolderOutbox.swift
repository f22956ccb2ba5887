import Dispatch
import Glibc

/// A sender that writes each mail as a file into a folder: for the demo, and for a mail system that picks files up. The file's name is the
/// Message-ID, so writing it again changes nothing and no outcome is ever uncertain.
actor FolderOutbox {
    private let path: String
    private let executor = BlockingExecutor()
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(path: String) { self.path = path.hasPrefix("file://") ? String(path.dropFirst(7)) : path }

    /// Returns once the file and its name are on the disk.
    /// - Returns: the file's name.
    func write(_ bytes: [UInt8], messageID: String) throws(FolderError) -> String {
        let name = Self.fileName(messageID)
        let temporary = "\(path)/.\(name).part"
        try makeFolder()
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FolderError(path: path, doing: "create a file in") }
        let isWritten = Self.writeAll(bytes, to: file) && fsync(file) == 0
        let failure = errno
        guard close(file) == 0, isWritten else {
            errno = isWritten ? errno : failure
            let error = FolderError(path: temporary, doing: "write")
            unlink(temporary)
            throw error
        }
        guard rename(temporary, "\(path)/\(name)") == 0 else { throw FolderError(path: temporary, doing: "rename") }
        try syncFolder()
        return name
    }

    private func makeFolder() throws(FolderError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FolderError(path: path, doing: "create the folder") }
    }

    private func syncFolder() throws(FolderError) {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FolderError(path: path, doing: "open the folder") }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FolderError(path: path, doing: "write the folder") }
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = Glibc.write(file, buffer.baseAddress! + done, buffer.count - done)
                if count < 0, errno != EINTR { return false }
                done += max(0, count)
            }
            return true
        }
    }

    static func fileName(_ messageID: String) -> String {
        let safe = messageID.utf8.prefix(200).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "@"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        let name = String(decoding: safe, as: UTF8.self)
        return (name.hasPrefix(".") ? "_" + name.dropFirst() : name) + ".eml"
    }
}

struct FolderError: Error, Hashable, CustomStringConvertible {
    let description: String

    /// Reads `errno`.
    init(path: String, doing: String) {
        description =
            "cannot \(doing) \(path): \(String(cString: strerror(errno))). Check the disk, and that the daemon's user may write there."
    }
}

/// A thread for calls that wait for the disk: they must not hold one of the few threads of the cooperative pool.
private final class BlockingExecutor: SerialExecutor {
    private let queue = DispatchQueue(label: "hongyan.outbox")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }
}
