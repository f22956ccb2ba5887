public import Domain

/// Finds the reason in a server's words, its codes and what was going on. General rules, strongest sign first:
/// 1. what the report says happened (`Action: delivered`);
/// 2. the words: each table holds what servers write for one reason; the first table with a hit decides;
/// 3. the status (RFC 3463), then the command that was refused, then the action;
/// 4. words that mean nothing to us are `onhold`, no words `undefined`.
///
/// Words for an unknown user count as such only where a directory speaks: as the answer to RCPT, with a status 5.1.x, or in words that name
/// a directory. After DATA, or alone, they are a filter's excuse as often as the truth, and a person must not be written off for that.
public enum ReasonRules {
    public struct Facts: Sendable {
        public var words: String
        /// As stated in the report or the reply.
        public var status: String?
        public var code: Int?
        public var command: ServerWords.Command?
        public var action: MachineReport.Action
        /// Who said so: `mx.example.com`.
        public var host: String
        /// Diagnostic-Code had the type `X-Unix`: the exit of a delivery program.
        public var isProgram: Bool
        /// The lines around the words.
        public var context: String
        /// Who reported it sorts failures itself, as `X-PowerMTA-BounceCategory` does.
        public var category: String?

        public init(
            words: String, status: String? = nil, code: Int? = nil, command: ServerWords.Command? = nil,
            action: MachineReport.Action = .failed, host: String = "", isProgram: Bool = false,
            context: String = "", category: String? = nil
        ) {
            self.context = context
            self.category = category
            self.words = words
            self.status = status
            self.code = code
            self.command = command
            self.action = action
            self.host = host
            self.isProgram = isProgram
        }
    }

    public static func reason(_ facts: Facts) -> BounceReason {
        if facts.action == .delivered || facts.status?.hasPrefix("2.") == true { return .delivered }
        let text = Phrases.folded(facts.words)
        if let reason = vendor(facts, text) { return reason }
        if facts.status?.hasSuffix(".1.6") == true || facts.code == 551 { return .hasMoved }
        if !facts.isProgram, Table.unknownForSure.matches(text) { return .userUnknown }
        for entry in Table.beforeUnknown where entry.matches(text) { return entry.reason }
        // A delivery program's own words are about its trouble, also when they speak of users.
        if facts.isProgram { return .mailerError }
        if Table.unknown.matches(text) { return unknownUser(facts, text) }
        for entry in Table.afterUnknown where entry.matches(text) { return entry.reason }
        if let reason = byStatus(facts) { return reason }
        if let reason = facts.category.flatMap({ Table.categories[$0] }) { return reason }
        switch facts.command {
        case .hello, .connect: return .blocked
        case .mail: return .rejected
        case .data, .rcpt, nil: break
        }
        if facts.action == .delayed { return .expired }
        return text.contains { ASCII.isLetter($0) || $0 >= 0x80 } || facts.code != nil ? .onHold : .undefined
    }

    /// Reads a server's reply as we heard it ourselves.
    /// - Parameter command: what we had said.
    public static func reason(reply: String, command: ServerWords.Command?, host: String = "") -> BounceReason {
        let words = ServerWords(reply)
        return reason(
            Facts(words: reply, status: words.status, code: words.code, command: command ?? words.command, action: .failed, host: host))
    }

    private static func vendor(_ facts: Facts, _ text: [UInt8]) -> BounceReason? {
        let host = ASCII.lowercased(facts.host)
        for entry in Table.vendors {
            if !entry.host.isEmpty, host != entry.host, !host.hasSuffix("." + entry.host) { continue }
            if let status = entry.status, facts.status != status { continue }
            if let command = entry.command, facts.command != command { continue }
            if entry.phrase.matches(text) { return entry.reason }
        }
        return nil
    }

    private static func unknownUser(_ facts: Facts, _ text: [UInt8]) -> BounceReason {
        let parts = (facts.status ?? "").split(separator: ".")
        if parts.count == 3, parts[1] == "1" { return .userUnknown }
        // Older Exchange and Hotmail give their 550 as 5.5.0.
        if facts.status == "5.5.0" || facts.command == .rcpt { return .userUnknown }
        if facts.category == "bad-mailbox" { return .userUnknown }
        // An address refused by the remote server was refused at RCPT, unless the status speaks of the mailbox or of policy.
        if Table.addressRefused.matches(Phrases.folded(facts.context)), parts.count < 3 || (parts[1] != "2" && parts[1] != "7") {
            return .userUnknown
        }
        return .filtered
    }

    private static func byStatus(_ facts: Facts) -> BounceReason? {
        guard let status = facts.status, let dot = status.firstIndex(of: ".") else { return nil }
        let detail = String(status[status.index(after: dot)...])
        if let reason = Table.statuses[detail] {
            // Delayed is not lost: a queue's "no answer yet" stays what it is.
            return reason
        }
        let parts = detail.split(separator: ".")
        switch parts.first {
        case "1": return .userUnknown
        case "6": return parts.last == "0" ? nil : .contentError
        case "7" where parts.last != "0": return .securityError
        default: return nil
        }
    }
}

/// The tables; the phrases stand in `Table+….swift`.
enum Table {
    struct Entry: Sendable {
        let reason: BounceReason
        let phrases: [Phrase]

        init(_ reason: BounceReason, _ phrases: [String]) {
            self.reason = reason
            self.phrases = phrases.map(Phrase.init)
        }

        func matches(_ text: [UInt8]) -> Bool { phrases.contains { $0.matches(text) } }
    }

    struct Vendor: Sendable {
        let reason: BounceReason
        /// Domain of the server; empty where the words alone are unmistakable.
        let host: String
        let phrase: Phrase
        let status: String?
        let command: ServerWords.Command?

        init(_ reason: BounceReason, _ phrase: String, host: String = "", status: String? = nil, command: ServerWords.Command? = nil) {
            self.reason = reason
            self.host = host
            self.phrase = Phrase(phrase)
            self.status = status
            self.command = command
        }
    }

    /// Words that mean another thing at one provider than elsewhere, or a code of its own (from the providers' postmaster pages).
    static let vendors: [Vendor] = [
        Vendor(.spamDetected, "ofr_506"), Vendor(.spamDetected, "ofr506"), Vendor(.tooManyConnections, "ofr_102"),
        Vendor(.blocked, "aup#cdrbl"), Vendor(.blocked, "aup#bl"), Vendor(.blocked, "aup#in-1"), Vendor(.badReputation, "[tss0"),
        Vendor(.badReputation, "[ts0"), Vendor(.authFailure, "(dmarc)"), Vendor(.spamDetected, "hvu:b1"), Vendor(.blocked, "(rtr:"),
        // Directory-based edge blocking: the address is not in the tenant's directory.
        Vendor(.userUnknown, "recipient address rejected: access denied", status: "5.4.1", command: .rcpt),
        Vendor(.rejected, "all recipient addresses rejected", status: "5.4.1", command: .data),
        Vendor(.userUnknown, "as(201806281)"), Vendor(.userUnknown, "000c05a6"), Vendor(.userUnknown, "p=nosuchuser"),
        Vendor(.suspend, "p=disableduser"), Vendor(.mailboxFull, "p=overquota"), Vendor(.spamDetected, "p=unsolicitedmessageerror"),
        Vendor(.notCompliantRFC, "p=rfcmessagenoncompliant"), Vendor(.rejected, "groups.google.com/support"),
        // A text gateway without a filter: there is no such number.
        Vendor(.userUnknown, "no such user here", host: "vtext.com"),
        // docomo refuses whom its subscriber does not want with these words, after the message.
        Vendor(.rejected, "unknown user", host: "docomo.ne.jp", status: "5.0.0", command: .data),
        Vendor(.noRelaying, "email address is not verified"),
    ]

    /// RFC 3463 and the IANA registry of enhanced status codes, without the class; and what the large providers made of it.
    static let statuses: [String: BounceReason] = [
        "1.0": .userUnknown, "1.1": .userUnknown, "1.2": .hostUnknown, "1.3": .userUnknown, "1.4": .filtered, "1.6": .hasMoved,
        "1.7": .rejected, "1.8": .rejected, "1.9": .systemError, "1.10": .userUnknown,
        "2.0": .filtered, "2.1": .filtered, "2.2": .mailboxFull, "2.3": .exceedLimit, "2.4": .filtered,
        "3.0": .systemError, "3.1": .systemFull, "3.2": .notAccept, "3.3": .systemError, "3.4": .messageTooBig, "3.5": .systemError,
        "4.0": .networkError, "4.1": .expired, "4.2": .expired, "4.3": .systemError, "4.4": .hostUnknown, "4.5": .tooManyConnections,
        "4.6": .networkError, "4.7": .expired,
        "5.1": .syntaxError, "5.2": .syntaxError, "5.3": .tooManyConnections, "5.4": .syntaxError, "5.5": .syntaxError,
        "6.1": .contentError, "6.3": .contentError, "6.5": .contentError, "6.9": .contentError,
        "7.1": .securityError, "7.2": .securityError, "7.7": .rejected, "7.8": .securityError, "7.9": .policyViolation,
        "7.20": .authFailure, "7.21": .authFailure, "7.22": .authFailure, "7.23": .authFailure, "7.24": .authFailure, "7.25": .requirePTR,
        "7.26": .authFailure, "7.27": .notAccept, "7.28": .blocked, "7.29": .authFailure, "7.30": .securityError,
        "7.509": .authFailure, "7.515": .authFailure, "7.511": .blocked, "7.606": .blocked, "7.650": .badReputation,
        "7.708": .badReputation,
    ]

    static let categories: [String: BounceReason] = [
        "bad-mailbox": .userUnknown, "bad-domain": .hostUnknown, "inactive-mailbox": .suspend, "quota-issues": .mailboxFull,
        "no-answer-from-host": .expired, "routing-errors": .networkError, "spam-related": .spamDetected, "virus-related": .virusDetected,
        "policy-related": .policyViolation, "relaying-issues": .noRelaying, "content-related": .contentError, "message-expired": .expired,
        "invalid-sender": .rejected,
    ]

    /// "The other server did not want this address."
    static let addressRefused = Entry(.userUnknown, ["remote smtp server has rejected address", "remote server rejected the address"])
}
