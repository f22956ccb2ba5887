import Domain
import Store
import Transport

extension Operations {
    /// Gets a permission for an account, with a person's help where the flow needs one, and stores it sealed.
    /// - Parameters:
    ///   - name: an account, or `sender/NAME`.
    ///   - port: of the loopback address; 0 takes any free one.
    public static func authorize(_ name: String, port: Int, configuration: String, say: @escaping @Sendable (String) -> Void) async throws {
        let settings = try Settings.load(configuration)
        guard let oauth = settings.oauth[name] else {
            let known = settings.oauth.keys.sorted().joined(separator: ", ")
            throw CommandError(
                "`\(name)` has no `oauth` in \(configuration); " + (known.isEmpty ? "no account has" : "these have: \(known)"))
        }
        guard let seal = try settings.tokenSeal() else { throw CommandError("there is no key to seal the token with") }
        let store = try await settings.openStore(logger: quiet)
        let loop = TransferLoop(logger: quiet)
        do {
            try await store.migrate()
            let client = OAuthClient(oauth, loop: loop, now: store.time.now)
            let grant = try await permission(oauth, client, port: port, say: say)
            try await store.write { try $0.tokens.save(name, grant, seal) }
            say("\(name) may log in. A running daemon goes on by itself within seconds.")
        } catch {
            await loop.shutdown()
            await store.close()
            throw error
        }
        await loop.shutdown()
        await store.close()
    }

    private static func permission(
        _ oauth: OAuth, _ client: OAuthClient, port: Int, say: @escaping @Sendable (String) -> Void
    ) async throws -> OAuthGrant {
        switch oauth.flow {
        case .clientCredentials, .serviceAccount: return try await client.renew(nil)
        case .device:
            let code = try await client.startDevice()
            say("On any machine, open \(code.verificationURL) and type the code \(code.userCode)")
            say("Waiting…")
            return try await client.finish(code)
        case .loopback:
            let listener = try LoopbackListener(port: port)
            let proof = ProofKey()
            let state = ProofKey().verifier
            say("In a browser, open:\n\n\(try client.authorizationURL(redirect: listener.url, state: state, challenge: proof.challenge))\n")
            say("A browser on another machine ends at an address that cannot be opened; paste that address here.")
            let code = try await listener.code(state: state)
            return try await client.exchange(code: code, redirect: listener.url, verifier: proof.verifier)
        }
    }
}
