/// A connection on which the login is done and the dialogue is the caller's. One task may send while another receives.
public final class LineConnection: Sendable {
    private let mailbox: LoopMailbox
    private let id: Int
    let host: String
    /// What the server said until the login was done.
    let login: [UInt8]
    let isEncrypted: Bool

    init(mailbox: LoopMailbox, id: Int, host: String, login: [UInt8], isEncrypted: Bool) {
        self.mailbox = mailbox
        self.id = id
        self.host = host
        self.login = login
        self.isEncrypted = isEncrypted
    }

    deinit { close() }

    /// Returns when the operating system has taken all bytes.
    public func send(_ bytes: [UInt8]) async throws {
        try await wait { line, request, continuation, core in line.send(request, bytes, continuation, in: core) }
    }

    /// The next bytes, at most 128 KiB; empty when the server has closed the connection.
    /// Cancellation and time-out leave the connection as it is, and no byte is lost by them.
    public func receive(timeout: Duration) async throws -> [UInt8] {
        try await wait { line, request, continuation, core in line.receive(request, timeout, continuation, in: core) }
    }

    /// At once, without a word to the server. Whoever waits gets `CancellationError`.
    public func close() {
        let id = id
        _ = mailbox.post { $0.cancel(id) }
    }

    private func wait<T: Sendable>(
        _ start: @escaping @Sendable (LineTransfer, Int, CheckedContinuation<T, any Error>, LoopCore) -> Void
    ) async throws -> T {
        try Task.checkCancellation()
        let (id, host, request) = (id, host, mailbox.newID())
        let cancel: LoopMailbox.Command = { core in (core[id] as? LineTransfer)?.cancelWait(request, in: core) }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let posted = mailbox.post { core in
                    guard let line = core[id] as? LineTransfer, !core.isStopped else {
                        let isOver = core.isStopped
                        return continuation.resume(
                            throwing: isOver ? TransportError.shutDown : .connectionLost(host: host, reason: "it was closed before"))
                    }
                    start(line, request, continuation, core)
                }
                if !posted { continuation.resume(throwing: TransportError.shutDown) }
                if Task.isCancelled { _ = mailbox.post(cancel) }
            }
        } onCancel: {
            _ = mailbox.post(cancel)
        }
    }
}
