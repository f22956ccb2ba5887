public import Foundation
import Glibc

/// A program that a test starts.
///
/// Foundation's `Process` looks for open files first and reads past the end of that list (swift-corelibs-foundation, pull request 5472): with
/// a thousand files open it ends the whole test run now and then.
public final class Program: @unchecked Sendable {  // what changes is touched by the test that started it
    public struct Failed: Error, CustomStringConvertible {
        public let description: String
    }

    /// Its standard input and output.
    public let input: FileHandle
    public let output: FileHandle
    private let pid: pid_t
    private var status: Int32?

    /// From the making of a pipe until it is sealed another program must not start: it would hold the pipe open.
    private static let starting = NSLock()

    /// - Parameter words: a path, and the arguments. Its standard error is dropped.
    public convenience init(_ words: [String], in folder: URL? = nil) throws { try self.init(words, in: folder, input: nil) }

    private init(_ words: [String], in folder: URL?, input file: FileHandle?) throws {
        Self.starting.lock()
        defer { Self.starting.unlock() }
        let (into, from) = (Pipe(), Pipe())
        for handle in [into.fileHandleForReading, into.fileHandleForWriting, from.fileHandleForReading, from.fileHandleForWriting] {
            _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, (file ?? into.fileHandleForReading).fileDescriptor, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, from.fileHandleForWriting.fileDescriptor, STDOUT_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        let all = (folder.map { ["/usr/bin/env", "--chdir=\($0.path)"] } ?? []) + words
        var arguments: [UnsafeMutablePointer<CChar>?] = all.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        // Threads of a pool block the signals that end a program, and hand that on.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let code = posix_spawn(&child, all[0], &actions, &attributes, &arguments, environ)
        guard code == 0 else { throw Failed(description: "\(all[0]) does not start: \(String(cString: strerror(code)))") }
        pid = child
        input = into.fileHandleForWriting
        output = from.fileHandleForReading
        try into.fileHandleForReading.close()
        try from.fileHandleForWriting.close()
    }

    public func terminate() {
        guard status == nil else { return }
        kill(pid, SIGTERM)
        wait()
    }

    /// - Returns: 0 when it ended well.
    @discardableResult
    public func wait() -> Int32 {
        if let status { return status }
        var code: Int32 = 0
        while waitpid(pid, &code, 0) < 0, errno == EINTR {}
        status = code
        return code
    }

    /// Runs it to its end.
    /// - Returns: what it wrote to its standard output.
    @discardableResult
    public static func run(_ words: [String], in folder: URL? = nil, input: [UInt8] = []) throws -> [UInt8] {
        // All of it lies there before the program starts: nobody waits for anybody, however much it is.
        let path = FileManager.default.temporaryDirectory.appending(path: "input-\(UUID().uuidString)").path
        try Data(input).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard let file = FileHandle(forReadingAtPath: path) else { throw Failed(description: "\(path) cannot be read") }
        let program = try Program(words, in: folder, input: file)
        let said = try program.output.readToEnd() ?? Data()
        guard program.wait() == 0 else { throw Failed(description: "\(words.joined(separator: " ")) ended with \(program.wait())") }
        return [UInt8](said)
    }
}
