import Domain
import Testing

@testable import Store

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite(.timeLimit(.minutes(10)))
struct EventTests {
    @Test(arguments: Engine.available)
    func `events come back in order and a reader keeps its place`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                for number in 1...5 {
                    try transaction.events.append(
                        Event(at: transaction.now, kind: .ticketOpened, ticket: ID(Int64(number)), data: ["number": "\(number)"]))
                }
            }
            let all = try await events(store, count: 5)
            #expect(all.map { $0.ticket?.rawValue } == [1, 2, 3, 4, 5])
            #expect(all.map(\.position) == all.map(\.position).sorted())
            #expect(all.first?.data == ["number": "1"])
            let rest = try await store.read { try $0.events.read(after: all[1].position, limit: 2) }
            #expect(rest.map { $0.ticket?.rawValue } == [3, 4])
            #expect(try await store.read { try $0.events.lastPosition() } == all[4].position)
            #expect(try await store.read { try $0.events.cursor("journeys") } == 0)
            try await store.write { try $0.events.setCursor("journeys", all[2].position) }
            try await store.write { try $0.events.setCursor("journeys", all[3].position) }
            #expect(try await store.read { try $0.events.cursor("journeys") } == all[3].position)
        }
    }

    @Test(arguments: Engine.available)
    func `a reader that follows many writers misses nothing and sees nothing twice`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let total = 240
            let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for writer in 0..<6 {
                    group.addTask {
                        for number in 0..<(total / 6) {
                            try await store.write { transaction in
                                // The order of first writes is not the order of commits; that is what readers must survive.
                                try transaction.meta.set("w\(writer)", "\(number)")
                                if number % 3 == 0 { usleep(UInt32(writer) * 300) }
                                try transaction.events.append(
                                    Event(at: transaction.now, kind: .ticketChanged, ticket: ID(Int64(writer * 1000 + number))))
                            }
                        }
                        return []
                    }
                }
                group.addTask {
                    var seen: [Int64] = []
                    var position: Int64 = 0
                    while seen.count < total {
                        let after = position
                        let page = try await store.read { try $0.events.read(after: after, limit: 7) }
                        seen += page.compactMap { $0.ticket?.rawValue }
                        position = page.last?.position ?? position
                        if page.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
                    }
                    return seen
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(seen.count == total)
            #expect(Set(seen).count == total)
        }
    }

    @Test(arguments: Engine.available)
    func `an event of a transaction that was taken back never happened`(engine: Engine) async throws {
        struct Refusal: Error {}
        try await withStore(engine) { house in
            await #expect(throws: Refusal.self) {
                try await house.store.write { transaction in
                    try transaction.events.append(Event(at: transaction.now, kind: .ticketOpened))
                    throw Refusal()
                }
            }
            try await house.store.write { try $0.events.append(Event(at: $0.now, kind: .ticketJoined)) }
            #expect(try await events(house.store, count: 1).map(\.kind) == [.ticketJoined])
        }
    }

    @Test(arguments: Engine.available.filter { $0 == .postgres })
    func `positions keep growing in a cluster whose transaction numbers are smaller`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let restored: Int64 = 1 << 50
            try await house.store.write {
                try $0.execute("INSERT INTO events (position, at, kind, data) VALUES ($1, 0, 'ticket.opened', '{}')", restored)
            }
            try await house.store.migrate()
            try await house.store.write { try $0.events.append(Event(at: $0.now, kind: .ticketJoined)) }
            let all = try await events(house.store, count: 2)
            #expect(all.map(\.kind) == [.ticketOpened, .ticketJoined])
        }
    }

    @Test(arguments: Engine.available)
    func `reasons are kept in the order they were given`(engine: Engine) async throws {
        try await withStore(engine) { house in
            try await house.store.write { transaction in
                for text in ["first", "second", "third"] {
                    try transaction.reasons.add(Reason(at: transaction.now, about: .ticket, subject: 7, decision: "route", text: text))
                }
                try transaction.reasons.add(Reason(at: transaction.now, about: .customer, subject: 7, decision: "identity", text: "other"))
            }
            #expect(try await house.store.read { try $0.reasons.about(.ticket, 7) }.map(\.text) == ["first", "second", "third"])
        }
    }
}
