// Transport: everything that leaves this machine or comes in by our own asking. One thread, libcurl's multi interface and epoll.
//
// In: HTTP requests, mail endpoints. Out: HTTP responses, and dialogues in IMAP and SMTP whose parsers are pure values.
// Never: a thread per connection, an unverified certificate, a password in an error, a word about what the bytes mean.
internal import CCurl
import Domain
public import Logging

/// Runs any number of transfers on one thread of its own. Waiting connections cost memory, nothing else.
public final class TransferLoop: Sendable {
    let mailbox: LoopMailbox
    let logger: Logger

    public init(logger: Logger) {
        self.logger = logger
        mailbox = LoopMailbox()
        LoopCore.start(mailbox: mailbox, logger: logger)
    }

    deinit { _ = mailbox.post { $0.stop(nil) } }

    /// Ends every transfer and connection; whoever waits for one gets `TransportError.shutDown`. Returns when the thread has ended.
    public func shutdown() async {
        await withCheckedContinuation { continuation in
            if !mailbox.post({ $0.stop(continuation) }) { continuation.resume() }
        }
    }

    /// Opens a connection, encrypted unless the endpoint allows plain text, and logs in.
    ///
    /// - Throws: `TransportError`, `CancellationError`.
    public func connect(_ endpoint: LineEndpoint) async throws -> LineConnection {
        let plan = try LinePlan(endpoint)
        let opened: LineOpened = try await perform { core, id, continuation in
            try core.add(LineTransfer(id: id, plan: plan, opened: continuation))
        }
        return LineConnection(mailbox: mailbox, id: opened.id, host: plan.host, login: opened.login, isEncrypted: opened.isEncrypted)
    }

    /// Runs `start` on the loop's thread and waits for what it leads to; cancellation of the task removes the transfer.
    func perform<T: Sendable>(
        _ start: @escaping @Sendable (LoopCore, Int, CheckedContinuation<T, any Error>) throws -> Void
    ) async throws -> T {
        try Task.checkCancellation()
        let id = mailbox.newID()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let posted = mailbox.post { core in
                    guard !core.isStopped else { return continuation.resume(throwing: TransportError.shutDown) }
                    do { try start(core, id, continuation) } catch { continuation.resume(throwing: error) }
                }
                if !posted { continuation.resume(throwing: TransportError.shutDown) }
                // The handler may have run before the transfer was posted.
                if Task.isCancelled { _ = mailbox.post { $0.cancel(id) } }
            }
        } onCancel: {
            _ = mailbox.post { $0.cancel(id) }
        }
    }

    /// How many transfers and connections the loop holds right now.
    func openCount() async -> Int {
        await withCheckedContinuation { continuation in
            if !mailbox.post({ continuation.resume(returning: $0.openCount) }) { continuation.resume(returning: 0) }
        }
    }
}
