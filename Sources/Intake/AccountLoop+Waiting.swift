import Channels
import Domain
import Store
import Synchronization

// Between two polls, and what a poll tells on the way. Thousands of accounts wait at the same time, so waiting costs no more than a timer
// and a place to be woken at.
extension AccountLoop {
    /// Whether a person may want a whole message of it, and whether its server announces mail.
    private var isMailbox: Bool { account.kind == .imap || account.kind == .pop3 }

    /// Until the time is over, the source announces something, or somebody asks.
    func wait(atMost: Duration, wishes: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.source.wait(atMost: atMost) }
            group.addTask { await self.waker.sleep() }
            if isMailbox { group.addTask { try await self.waitForWish(after: wishes) } }
            try await group.next()
            group.cancelAll()
            while await group.nextResult() != nil {}
        }
        try Task.checkCancellation()
    }

    /// Until somebody wants a mail of this account whole.
    /// - Parameter seen: the wishes before the last poll, which has done what could be done about them.
    private func waitForWish(after seen: Int) async throws {
        let name = account.name
        var seen = seen
        while true {
            seen = await store.signals.wait(.fetches, after: seen, atMost: Self.wishWait)
            try Task.checkCancellation()
            // Trouble with the database is told by the poll; here it only means: nobody can wish.
            if let wishes = try? await store.read({ try $0.spool.wanted(name, limit: 1) }), !wishes.isEmpty { return }
        }
    }

    /// Takes down what a source tells of itself.
    func note(_ report: PollReport) {
        let now = store.time.now()
        switch report {
        case .notBefore(let wait): return hint.withLock { $0.notBefore = wait }
        case .nextDue(let wait): return hint.withLock { $0.nextDue = wait }
        default: break
        }
        health.withLock { health in
            switch report {
            case .request: health.detail.requests += 1
            case .budget(let requests, let end): health.detail.budget = .init(requests: requests, until: end)
            case .stored(let stream, let items, let newest, let hasBacklog):
                health.detail.streams[stream, default: AccountStream()].itemsStored += Int64(items)
                health.detail.streams[stream]?.lag = newest.map { max(0, (now - $0).components.seconds) }
                health.detail.streams[stream]?.hasBacklog = hasBacklog
            case .read(let stream):
                health.detail.streams[stream, default: AccountStream()].lastSuccessAt = now
                health.detail.streams[stream]?.error = nil
                health.detail.streams[stream]?.hasBacklog = false
            case .trouble(let stream, let words): health.detail.streams[stream, default: AccountStream()].error = words
            case .notBefore, .nextDue: break
            }
        }
    }
}
