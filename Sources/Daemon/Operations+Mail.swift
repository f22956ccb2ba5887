import Domain
import FoundationEssentials
import Intake
import Store

/// Old mail, and large mail.
extension Operations {
    static let fetchListed = 200

    /// Brings old mail into an account; progress goes to standard error.
    public static func importMail(account: String, paths: [String], configuration: String) async throws -> String {
        let settings = try Settings.load(configuration, needsSecrets: false)
        guard settings.accounts.contains(where: { $0.name == account }) else {
            let names = settings.accounts.map(\.name).joined(separator: ", ")
            throw CommandError("there is no account `\(account)` in \(configuration); it has \(names.isEmpty ? "none" : names)")
        }
        for path in paths where !FileManager.default.fileExists(atPath: path) {
            throw CommandError("there is nothing at \(path); name a Maildir, an mbox file or a folder of .eml files")
        }
        return try await withStore(configuration) { store in
            let line = ProgressLine()
            let result = try await MailImport(store: store, account: account).run(paths) {
                line.tell($0.mails, "\($0.mails) mails, \($0.new) new, \($0.bytes >> 20) MB")
            }
            line.end()
            for trouble in result.troubles { Daemon.complain(trouble) }
            if result.troubleCount > result.troubles.count { Daemon.complain("… and \(result.troubleCount - result.troubles.count) more") }
            return "\(result.mails) mails read: \(result.new) new, \(result.mails - result.new) known already"
                + (result.troubleCount > 0 ? ", \(result.troubleCount) files could not be read" : "")
                + ". The daemon places them; they start no journey."
        }
    }

    /// Mails that are here in part, or the wish to have one whole.
    public static func fetch(account: String?, message: String?, configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            guard let account, let message else {
                let cut = try await store.read { try $0.spool.cut(limit: fetchListed) }
                guard !cut.isEmpty else { return "Every mail is here whole." }
                return cut.map { item in
                    "\(item.account)  \(item.externalID)  \(item.receivedAt)" + (item.error.map { "\n    \($0)" } ?? "")
                }.joined(separator: "\n") + "\n\nhongyan fetch ACCOUNT MESSAGE fetches one whole."
            }
            switch try await store.write({ try $0.spool.want(account, externalID: message) }) {
            case .asked:
                return "The daemon fetches it with the account's next visit, at once when it runs; it appears in place of its part."
            case .isWhole: return "That mail is here whole."
            case .unknown: throw CommandError("\(account) has no mail \(message); `hongyan fetch` lists those that are here in part")
            }
        }
    }
}
