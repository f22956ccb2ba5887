import Domain
import Store
import Testing

@testable import Journeys

@Suite(.timeLimit(.minutes(10))) struct JourneyLoopTests {
    @Test("a journey skips an address whose breaker is open, and says so; after it is cleared the next step goes")
    func breaker() async throws {
        try await Garden.with(everywhere: true) { garden in
            try await garden.store.write { _ = try $0.loops.trip("ann@example.com", reason: "it answers by itself", for: .seconds(3600)) }
            try await garden.greet()
            try await garden.advance()
            let first = try #require(try await garden.sends().first)
            #expect(first.state == .skipped)
            #expect(first.response?.hasPrefix("breaker: ann@example.com gets no automatic mail until") == true)
            #expect(try await garden.store.write { try $0.loops.clear("Ann@Example.com") })
            #expect(try await !garden.store.write { try $0.loops.clear("ann@example.com") })
            garden.time.advance(.seconds(86_400))
            try await garden.advance()
            #expect(try await garden.sends().map(\.state) == [.skipped, .planned])
        }
    }

    @Test("a breaker ends by itself, and tripping again counts")
    func ends() async throws {
        try await Garden.with(everywhere: true) { garden in
            let store = garden.store
            for round in 1...3 {
                let tripped = try await store.write { try $0.loops.trip("r@x.example", reason: "again", for: .seconds(60)) }
                #expect(tripped?.count == round)
                #expect(try await store.write { try $0.loops.trip("R@x.example", reason: "again", for: .seconds(60)) } == nil)
                garden.time.advance(.seconds(61))
                #expect(try await store.read { try $0.loops.breakers() }.isEmpty)
            }
        }
    }
}
