import Domain
import Testing

@Suite struct AddressStateTests {
    static let now = Timestamp(seconds: 1_800_000_000)

    static func failure(_ reason: BounceReason, _ status: String? = nil, permanent: Bool = true, words: String = "550 words")
        -> AddressState.Failure
    {
        AddressState.Failure(reason: reason, status: status, isPermanent: permanent, words: words)
    }

    @Test(
        "only a final failure that lies in the address kills it",
        arguments: [
            (failure(.userUnknown, "5.1.1"), true), (failure(.userUnknown), true), (failure(.hostUnknown), true),
            (failure(.hasMoved, "5.1.6"), true),
            (failure(.onHold, "5.1.1"), true), (failure(.onHold, "5.2.1"), true), (failure(.suspend, "5.2.1", words: "disabled"), true),
            (failure(.suspend, "5.2.1", words: "temporarily locked"), false), (failure(.userUnknown, "5.7.1"), false),
            (failure(.userUnknown, "4.1.1"), false), (failure(.userUnknown, "5.1.1", permanent: false), false),
            (failure(.filtered, "5.0.0"), false),
            (failure(.rejected, "5.1.8"), false), (failure(.onHold, "5.1.7"), false), (failure(.mailboxFull, "5.1.1"), false),
            (failure(.expired, "5.1.1"), false), (failure(.authFailure, "5.7.26"), false), (failure(.blocked, "5.1.0"), false),
            (failure(.undefined), false),
            (AddressState.Failure(reason: .userUnknown, status: "5.1.1", isPermanent: true, words: "", isProven: false), false),
        ])
    func dead(failure: AddressState.Failure, isDead: Bool) { #expect(failure.meansDead == isDead) }

    @Test(
        "policy and reputation never stop mail to a person",
        arguments: BounceReason.allCases.filter(\.isAboutSender).map { failure($0, "5.7.1") } + [
            failure(.onHold, "5.7.9"), failure(.userUnknown, "5.7.0"),
        ])
    func policy(failure: AddressState.Failure) {
        var state = AddressState(address: "Ana@Example.com", at: Self.now)
        for _ in 0..<10 { _ = state.take(failure, at: Self.now) }
        #expect(state.condition == .blocked)
        for purpose in Send.Purpose.allCases { #expect(state.refusal(purpose, at: Self.now) == nil) }
    }

    @Test func `a full mailbox is spared for days, longer each time, and a person who writes ends it`() {
        var state = AddressState(address: "ana@example.com", at: Self.now)
        var now = Self.now
        var pauses: [Duration] = []
        for _ in 0..<5 {
            _ = state.take(Self.failure(.mailboxFull, "5.2.2"), at: now)
            pauses.append(state.pausedUntil! - now)
            #expect(state.refusal(.service, at: now)?.contains("full") == true)
            #expect(state.refusal(.service, at: state.pausedUntil!) == nil)
            now = now + .seconds(86_400)
        }
        #expect(pauses.map { $0 / .seconds(86_400) } == [3, 6, 12, 24, 24])
        let (first, second) = (state.heard(at: now), state.heard(at: now))
        #expect((first, second) == (true, false))
        #expect(state.condition == .ok)
        #expect(state.refusal(.service, at: now) == nil)
    }

    @Test func `three failures within a month pause, three over half a year do not`() {
        var state = AddressState(address: "ana@example.com", at: Self.now)
        var now = Self.now
        for count in 1...3 {
            #expect(state.refusal(.marketing, at: now) == nil)
            let because = state.take(Self.failure(.expired, "4.4.7"), at: now)
            #expect(because != nil)
            #expect(state.failures == count)
            now = now + .seconds(86_400)
        }
        #expect(state.refusal(.transactional, at: now) != nil)
        var slow = AddressState(address: "ana@example.com", at: Self.now)
        now = Self.now
        for _ in 1...3 {
            _ = slow.take(Self.failure(.expired, "4.4.7"), at: now)
            now = now + .seconds(60 * 86_400)
        }
        #expect(slow.refusal(.marketing, at: now) == nil)
    }

    @Test func `a dead address stays dead, whatever comes later, and a delay changes nothing`() {
        var state = AddressState(address: "ana@example.com", at: Self.now)
        let because = state.take(Self.failure(.expired, permanent: false), at: Self.now)
        #expect(because == nil)
        #expect(state.condition == .ok)
        _ = state.take(Self.failure(.userUnknown, "5.1.1", words: "550 5.1.1 no such user"), at: Self.now)
        _ = state.take(Self.failure(.mailboxFull, "5.2.2"), at: Self.now)
        let isOver = state.heard(at: Self.now)
        #expect(!isOver)
        #expect(state.condition == .dead)
        #expect(state.refusal(.transactional, at: Self.now + .seconds(1_000_000_000)) == "550 5.1.1 no such user")
    }

    @Test func `a complaint stops marketing and nothing else`() {
        var state = AddressState(address: "ana@example.com", at: Self.now)
        state.complain("abuse", send: nil, at: Self.now)
        #expect(state.refusal(.marketing, at: Self.now)?.contains("complaint") == true)
        #expect(state.refusal(.service, at: Self.now) == nil)
    }
}
