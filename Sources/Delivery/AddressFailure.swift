import Domain
import Formats

extension AddressState.Failure {
    /// A refusal as the server said it to us, read like the ones that come back by mail. Nil when no server said anything: our own reasons
    /// (a broken connection, an envelope nobody can send) tell nothing about an address.
    init?(reply words: String, send: ID<Send>?) {
        let said = ServerWords(words)
        guard let code = said.code, code >= 400 else { return nil }
        // Given up after many tries on a temporary answer: final for the mail, not for the address.
        let reason = ReasonRules.reason(reply: words, command: said.command)
        self.init(reason: reason, status: said.status, isPermanent: true, words: words, send: send)
    }
}
