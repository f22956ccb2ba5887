import Domain
import Glibc
import Logging
import ServiceLifecycle
import Store
import Transport
import UnixSignals

/// First to start and last to stop: closes the event loop and the database when nobody needs them any more.
struct StoreCloser: Service {
    let store: Store
    let loop: TransferLoop

    func run() async throws {
        try? await gracefulShutdown()
        await loop.shutdown()
        await store.close()
    }
}

/// Tells systemd that we live, and how we are; notices a database that stopped answering.
struct Heartbeat: Service {
    static let interval = Duration.seconds(5)
    let store: Store
    let notify: Notify
    let logger: Logger

    func run() async throws {
        let interval = min(Self.interval, (notify.watchdog ?? .seconds(3600)) / 3)
        var wasWrong: String?
        var rest = RestRule()
        while !Task.isShuttingDownGracefully {
            notify.alive()
            let wrong = await store.check()
            if wrong != wasWrong {
                if let wrong {
                    logger.error("The database does not answer; intake pauses.", metadata: ["error": "\(wrong)"])
                    notify.status("the database does not answer: \(wrong)")
                } else {
                    logger.notice("The database answers again.")
                    notify.status("running")
                }
                wasWrong = wrong
            }
            if rest.tick(work: store.signals.ticket(.spool) + store.signals.ticket(.interactions) + store.signals.ticket(.sends)) {
                let bytes = Residence.shrink()
                logger.debug("At rest; memory is given back.", metadata: ["mapped_bytes": "\(bytes)"])
            }
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: interval) }
        }
    }
}

/// SIGHUP takes new files into force without dropping a message.
struct Reloader: Service {
    let house: House

    func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sighup)
        for await _ in signals.cancelOnGracefulShutdown() { await house.reload() }
    }
}

/// Last in the list, so the first to hear of the end: says so before the others begin to stop.
struct StopAnnouncer: Service {
    let notify: Notify
    let logger: Logger

    func run() async throws {
        try? await gracefulShutdown()
        logger.notice("Stopping: the work in hand is finished first.")
        notify.stopping()
    }
}

/// Two daemons on one database file would undo each other's claims: the second one is told so and does not start.
final class FileLock: Sendable {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandError(
                "cannot open \(path): \(String(cString: strerror(errno))). "
                    + "Check that the folder exists and the daemon's user may write to it."
            )
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            // `deinit` closes it: every property is set by now, so it runs although `init` throws. Twice would close somebody else's file.
            throw CommandError(
                "another daemon works on this database (\(path) is locked). Stop it first, or give this one a database of its own.")
        }
    }

    deinit { close(descriptor) }
}

enum FileHandleText {
    static func standardError(_ text: String) throws {
        let bytes = Array(text.utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}
