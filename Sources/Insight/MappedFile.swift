#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A whole file, mapped read-only: pages come from the file when they are touched and cost no memory of our own.
///
/// `@unchecked Sendable` because the mapping never changes after `init`. Replace a model file by renaming a new one over it; writing into a
/// mapped file would change scores under way, and shortening it kills the process (SIGBUS).
final class MappedFile: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(path: String, sizeBytesMax: Int) throws(InsightError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .modelMissing(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .modelMissing(path: path, reason: String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .modelDamaged(path: path, problem: "it is not a regular file") }
        let size = Int(status.st_size)
        guard size > 0, size <= sizeBytesMax else { throw .modelDamaged(path: path, problem: "it has \(size) bytes") }
        guard let start = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), start != MAP_FAILED else {
            throw .modelMissing(path: path, reason: String(cString: strerror(errno)))
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }

    /// Gives the pages back after a pass over the whole file; they return from the file when needed.
    func rest() {
        _ = madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, MADV_DONTNEED)
    }
}
