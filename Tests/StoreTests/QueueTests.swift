import Domain
import Testing

@testable import Store

@Suite struct QueueTests {
    private static let lease = Duration.seconds(60)

    private func plan(_ store: Store, _ key: String, to recipient: String, purpose: Send.Purpose = .marketing, sender: String? = nil)
        async throws
    {
        try await store.write { transaction in
            var send = Send(
                id: transaction.newID(), key: key, kind: .journey, purpose: purpose, recipient: recipient, dueAt: transaction.now,
                createdAt: transaction.now)
            send.sender = sender
            let isNew = try transaction.sends.plan(send)
            #expect(isNew)
        }
    }

    @Test("rows wait in queues by sender, urgency and domain; each is claimed by itself", arguments: Engine.available)
    func queues(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            for number in 0..<30 { try await plan(store, "big/\(number)", to: "c\(number)@big.example", sender: "care") }
            try await plan(store, "small", to: "ana@small.example", sender: "care")
            try await plan(store, "bill", to: "ana@Big.example", purpose: .transactional, sender: "care")
            try await plan(store, "other", to: "ana@big.example")
            let (lanes, queues, rest) = try await store.read { transaction in
                (
                    try transaction.sends.lanes(), try transaction.sends.queues(lane: "care", after: "", limit: 10).map(\.name),
                    try transaction.sends.queues(lane: "care", after: "3 big.example", limit: 10).map(\.name)
                )
            }
            #expect(lanes == ["", "care"])
            #expect(queues == ["1 big.example", "3 big.example", "3 small.example"])
            #expect(rest == ["3 small.example"])
            let claimed = try await store.write { transaction in
                try transaction.sends.claim(
                    owner: "me", lease: Self.lease,
                    from: [
                        SendShare(lane: "care", queue: "3 big.example", limit: 3),
                        SendShare(lane: "care", queue: "3 small.example", limit: 3),
                    ])
            }
            #expect(claimed.map(\.key) == ["big/0", "big/1", "big/2", "small"])
            #expect(claimed.allSatisfy { $0.attempts == 1 })
            let left = try await store.read { try $0.sends.queues(lane: "care", after: "", limit: 10).map(\.name) }
            #expect(left == ["1 big.example", "3 big.example"])
        }
    }

    @Test("a policy is kept as long as its domain said", arguments: Engine.available)
    func policies(engine: Engine) async throws {
        try await withStore(engine) { house in
            let (store, time) = (house.store, house.time)
            let now = time.now()
            let entry = MailPolicies.Entry(id: "1", body: "version: STSv1", fetchedAt: now, expiresAt: now + .seconds(60))
            try await store.write { try $0.mailPolicies.put("example.com", entry) }
            #expect(try await store.read { try $0.mailPolicies.get("example.com") } == entry)
            var newer = entry
            newer.id = "2"
            try await store.write { [newer] in try $0.mailPolicies.put("example.com", newer) }
            #expect(try await store.read { try $0.mailPolicies.get("example.com")?.id } == "2")
            time.pass(.seconds(61))
            #expect(try await store.read { try $0.mailPolicies.get("example.com") } == nil)
        }
    }
}
