import Domain
import Store
import Transport

extension OAuthKeeper.Shelf {
    /// Long enough for a slow server, short enough for a node that died with it.
    static let lockMax = Duration.seconds(60)

    /// Tokens in the database, one node at a time renewing.
    static func `in`(_ store: Store, seal: TokenSeal?, owner: String) -> OAuthKeeper.Shelf {
        OAuthKeeper.Shelf(
            load: { account in
                guard let seal else { return nil }
                return try await store.read { try $0.tokens.load(account, seal) }
            },
            save: { account, grant in
                guard let seal else { throw CommandError("there is no key to seal tokens with; restart after adding `oauth`") }
                try await store.write { try $0.tokens.save(account, grant, seal) }
            },
            mark: { account, problem in try await store.write { try $0.tokens.mark(account, problem: problem) } },
            lock: { account in
                try await store.write { try $0.leases.take("oauth/\(account)", owner: owner, for: lockMax) } != nil
            },
            unlock: { account in try? await store.write { try $0.leases.release("oauth/\(account)", owner: owner) } })
    }
}
