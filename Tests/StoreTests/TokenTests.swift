import Domain
import Store
import Testing

@Suite(.timeLimit(.minutes(10))) struct TokenTests {
    static let seal = TokenSeal(secret: [UInt8](repeating: 7, count: 32))
    static let other = TokenSeal(secret: [UInt8](repeating: 8, count: 32))

    @Test(arguments: Engine.available)
    func `a token comes back as it was, only with its key and only under its name`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let now = house.time.now()
            let grant = OAuthGrant(
                accessToken: Secret("access 令牌"), refreshToken: Secret("refresh"), issuedAt: now, expiresAt: now + .seconds(100),
                refreshExpiresAt: now + .seconds(1000))
            #expect(try await store.read { try $0.tokens.load("support", Self.seal) } == nil)
            try await store.write { try $0.tokens.save("support", grant, Self.seal) }
            let back = try #require(try await store.read { try $0.tokens.load("support", Self.seal) })
            #expect(back.accessToken.reveal() == "access 令牌")
            #expect(back.refreshToken?.reveal() == "refresh")
            #expect(back.expiresAt == grant.expiresAt)
            #expect(back.refreshAt == now + .seconds(80))
            await #expect {
                try await store.read { try $0.tokens.load("support", Self.other) }
            } throws: { "\($0)".contains("the token of support was sealed with another key") }
        }
    }

    @Test(arguments: Engine.available)
    func `a problem is kept beside the token and ends with a new one`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { try $0.tokens.mark("a", problem: "invalid_grant") }
            let bad = try await store.read { try $0.tokens.states() }
            #expect(bad.map(\.account) == ["a"])
            #expect(bad.map(\.problem) == ["invalid_grant"])
            #expect(bad.map(\.expiresAt) == [nil])
            let now = house.time.now()
            for life: Int64 in [1000, 600] {
                let grant = OAuthGrant(
                    accessToken: Secret("x"), refreshToken: nil, issuedAt: now, expiresAt: now + .seconds(10),
                    refreshExpiresAt: now + .seconds(life))
                try await store.write { try $0.tokens.save("a", grant, Self.seal) }
            }
            let good = try #require(try await store.read { try $0.tokens.states() }.first)
            #expect(good.problem == nil)
            #expect(good.refreshExpiresAt == now + .seconds(600))
            #expect(good.refreshLife == .seconds(1000))  // how long it was at the most
        }
    }
}
