import Domain
import FoundationEssentials
import Glibc
import Intake
import Logging
import Store

/// Tries items in a child process (`hongyan digest-trial`) with limits on time and memory.
struct ChildTrial: Sendable {
    static let secondsMax = 120
    static let cpuSecondsMax: rlim_t = 60
    static let memoryBytesMax: rlim_t = 4 << 30
    private static let glance = Duration.milliseconds(20)
    /// Ends from outside say nothing about the item.
    private static let outside: Set<Int32> = [SIGKILL, SIGTERM, SIGINT, SIGHUP]

    let configuration: String
    let folder: String
    let store: Store
    let logger: Logger

    var trial: Trial { Trial { await run($0) } }

    private func run(_ item: SpooledItem) async -> Trial.Verdict {
        guard let bytes = try? await store.bytes(of: item) else { return .harmless }
        let path = "\(folder)/trial-\(getpid())-\(item.id)"
        guard (try? Data(bytes).write(to: URL(filePath: path))) != nil else { return .harmless }
        defer { unlink(path) }
        guard let child = spawn(item, input: path) else { return .harmless }
        let verdict = await verdict(on: child)
        logger.notice("An item was tried in a process of its own.", metadata: ["spool": "\(item.id)", "verdict": "\(verdict)"])
        return verdict
    }

    private func spawn(_ item: SpooledItem, input: String) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        let words = [
            "hongyan", "digest-trial", "--config", configuration, "--account", item.account, "--kind", item.kind.rawValue, "--format",
            item.meta["format"] ?? "",
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        // The threads of a pool block the signals that end a program, and would hand that on.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var child: pid_t = 0
        return posix_spawn(&child, "/proc/self/exe", &actions, &attributes, &arguments, environ) == 0 ? child : nil
    }

    private func verdict(on child: pid_t) async -> Trial.Verdict {
        let deadline = ContinuousClock.now + .seconds(Self.secondsMax)
        var status: Int32 = 0
        while waitpid(child, &status, WNOHANG) == 0 {
            let isLate = ContinuousClock.now > deadline
            if isLate || Task.isCancelled {
                kill(child, SIGKILL)
                waitpid(child, &status, 0)
                return isLate ? .fatal("Reading it takes longer than \(Self.secondsMax) s.") : .harmless
            }
            try? await Task.sleep(for: Self.glance)
        }
        let signal = status & 0x7F
        if signal == 0 || Self.outside.contains(signal) { return .harmless }
        return .fatal("Reading it kills the program (\(String(cString: strsignal(signal)))); it was tried in a process of its own.")
    }
}

extension Operations {
    /// The child's side: reads standard input as an item, and ends.
    public static func digestTrial(account: String, kind: String, format: String, configuration: String) async throws {
        for (limit, value) in [(RLIMIT_CPU, ChildTrial.cpuSecondsMax), (RLIMIT_AS, ChildTrial.memoryBytesMax), (RLIMIT_CORE, 0)] {
            var both = rlimit(rlim_cur: value, rlim_max: value)
            setrlimit(__rlimit_resource_t(UInt32(limit.rawValue)), &both)
        }
        let settings = try Settings.load(configuration, needsSecrets: false)
        var bytes: [UInt8] = []
        while true {
            let piece = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
                count = max(0, Glibc.read(STDIN_FILENO, buffer.baseAddress, 1 << 20))
            }
            if piece.isEmpty { break }
            bytes += piece
        }
        let item = SpooledItem(
            id: ID(0), account: account, externalID: "trial", kind: Interaction.Kind(rawValue: kind) ?? .mail, bytes: bytes,
            meta: format.isEmpty ? [:] : ["format": format], attempts: 1, receivedAt: Timestamp(seconds: 0), state: "claimed", error: nil)
        let store = try await Store.open("sqlite::memory:", blobs: "\(settings.data)/blobs", node: 0, time: SystemTime(), logger: quiet)
        await Trial.digest(item, accounts: settings.accounts, blobs: store.blobs)
        await store.close()
    }
}
