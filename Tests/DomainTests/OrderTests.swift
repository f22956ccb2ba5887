import Domain
import Testing

@Suite struct OrderTests {
    /// A state: when it was changed, or between when it was read, and how far it got.
    private struct State: Sendable {
        var at: Double
        var until: Double?
        var refunded: Int64 = 0
        var status = Order.Status.paid
        var revision: Int64 = 0

        var order: Order {
            get throws {
                var order = Order(
                    account: "tea", externalID: "1", number: "1", status: status, currency: try #require(Currency(rawValue: "EUR")),
                    total: 1000, refunded: refunded, placedAt: Timestamp(seconds: 0), revisedAt: Self.time(at), revision: revision)
                order.revisedUntil = until.map(Self.time)
                return order
            }
        }
        private static func time(_ seconds: Double) -> Timestamp { Timestamp(microseconds: Int64(seconds * 1_000_000)) }
    }

    @Test(
        "the later state stands; where that cannot be told, the one that got further",
        arguments: [
            // The shop tells when.
            (State(at: 11), State(at: 10, refunded: 5), true), (State(at: 10, refunded: 5), State(at: 11), false),
            (State(at: 10, refunded: 5), State(at: 10), true), (State(at: 10), State(at: 10, refunded: 5), false),
            (State(at: 10, status: .cancelled), State(at: 10), true), (State(at: 10, revision: 1), State(at: 10, revision: 2), false),
            // A refund in the second in which the list was read: before or after it.
            (State(at: 10, refunded: 5), State(at: 10.2, until: 10.6), true),
            (State(at: 10), State(at: 10.2, until: 10.6, refunded: 5), false),
            (State(at: 10.2, until: 10.6, refunded: 5), State(at: 10), true),
            (State(at: 10.2, until: 10.6), State(at: 10, refunded: 5), false),
            // Slow answers.
            (State(at: 11, refunded: 1), State(at: 10.9, until: 12.5, refunded: 5), false),
            (State(at: 12, refunded: 9), State(at: 10.9, until: 12.5, refunded: 5), true),
            // Surely before, surely after: also a refund that was taken back.
            (State(at: 13), State(at: 10.9, until: 12.5, refunded: 5), true),
            (State(at: 9, refunded: 5), State(at: 10.2, until: 10.6), false),
            (State(at: 20, until: 21), State(at: 10, refunded: 5), true), (State(at: 10, until: 11, refunded: 5), State(at: 12), false),
            // Two readings.
            (State(at: 20, until: 21), State(at: 10, until: 12, refunded: 5), true),
            (State(at: 10, until: 12, refunded: 5), State(at: 20, until: 21), false),
        ])
    private func succession(next: State, known: State, expected: Bool) throws {
        #expect(try next.order.succeeds(known.order) == expected)
    }
}
