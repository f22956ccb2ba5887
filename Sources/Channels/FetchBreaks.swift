import Synchronization
import Transport

/// Remembers mails at which the connection broke, so that one of them cannot keep all later mail out: after a break mails are fetched one
/// by one, and a mail that breaks the connection again and again is passed over with a note.
final class FetchBreaks: Sendable {
    static let breaksMax = 5
    static let mailsMax = 100

    private struct State {
        var careful: Set<String> = []
        var mails: [String: (count: Int, error: String)] = [:]
    }

    private let state = Mutex(State())

    func isCareful(_ folder: String) -> Bool { state.withLock { $0.careful.contains(folder) } }

    func record(_ folder: String, mail: String?, _ error: TransportError) {
        state.withLock { state in
            state.careful.insert(folder)
            guard let mail, state.mails[mail] != nil || state.mails.count < Self.mailsMax else { return }
            state.mails[mail, default: (0, "")].count += 1
            state.mails[mail]?.error = "\(error)"
        }
    }

    /// Why a mail is given up; nil while it is still worth trying.
    func verdict(_ mail: String) -> String? {
        state.withLock { state in
            guard let known = state.mails[mail], known.count >= Self.breaksMax else { return nil }
            return "The connection broke \(known.count) times while this mail was fetched: \(known.error)"
        }
    }

    func settle(_ folder: String) {
        state.withLock { state in
            state.careful.remove(folder)
            state.mails = state.mails.filter { !$0.key.hasPrefix(folder + "/") && !$0.key.hasPrefix(folder + "~") }
        }
    }
}
