#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The few blocking calls on files that the store makes, with errors that say what to do.
enum FileCalls {
    static func makeFolder(_ path: String) throws {
        let names = path.split(separator: "/").dropLast().joined(separator: "/")
        let parent = path.hasPrefix("/") ? "/" + names : names.isEmpty ? "." : names
        var code = mkdir(path, 0o750)
        if code != 0, errno == ENOENT, parent.utf8.count < path.utf8.count {
            try makeFolder(parent)
            code = mkdir(path, 0o750)
        }
        if code == 0 {
            try sync(folder: parent)
        } else if errno != EEXIST {
            throw StoreError.cannotOpen(path, String(cString: strerror(errno)))
        }
    }

    /// At the file's position, all of it.
    static func write(_ bytes: [UInt8], to file: Int32, path: String) throws {
        try bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                #if canImport(Glibc)
                    let count = Glibc.write(file, buffer.baseAddress! + written, buffer.count - written)
                #else
                    let count = Darwin.write(file, buffer.baseAddress! + written, buffer.count - written)
                #endif
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw failure("write", path) }
                written += count
            }
        }
    }

    /// Fewer than `count` bytes when the file ends before.
    static func read(_ file: Int32, at offset: Int, count: Int, path: String) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(file, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw failure("read", path) }
                if got == 0 { break }
                filled += got
            }
        }
    }

    /// A new name is durable when its folder is.
    static func sync(folder: String) throws {
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw failure("open", folder) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw failure("write", folder) }
    }

    static func failure(_ verb: String, _ path: String) -> StoreError {
        let reason = String(cString: strerror(errno))
        return StoreError(
            verb == "read" ? .blob : .unavailable,
            "cannot \(verb) \(path): \(reason). Check the disk's free space and that the daemon's user may use the folder.")
    }
}
