/// Why a mail did not arrive, or was not wanted: a closed list. The names are those that bounce corpora use.
public enum BounceReason: String, Sendable, Hashable, Codable, CaseIterable {
    // The address itself.
    case userUnknown = "userunknown"
    case hostUnknown = "hostunknown"
    case hasMoved = "hasmoved"
    /// The host takes no mail at all (RFC 7504, RFC 7505).
    case notAccept = "notaccept"
    // The mailbox.
    case mailboxFull = "mailboxfull"
    case suspend
    /// Refused after the message was sent, with the words for an unknown user: a filter says so as often as a directory.
    case filtered
    // The message.
    case messageTooBig = "mesgtoobig"
    case exceedLimit = "exceedlimit"
    case contentError = "contenterror"
    case notCompliantRFC = "notcompliantrfc"
    case virusDetected = "virusdetected"
    case spamDetected = "spamdetected"
    // Us: policy and reputation. They say nothing about the person.
    case rejected
    case blocked
    case badReputation = "badreputation"
    case requirePTR = "requireptr"
    case authFailure = "authfailure"
    case policyViolation = "policyviolation"
    case securityError = "securityerror"
    case noRelaying = "norelaying"
    case tooManyConnections = "toomanyconn"
    // The way there.
    case expired
    case networkError = "networkerror"
    case systemError = "systemerror"
    case systemFull = "systemfull"
    case mailerError = "mailererror"
    case syntaxError = "syntaxerror"
    /// The words are known and mean nothing to us.
    case onHold = "onhold"
    /// There were no words.
    case undefined
    // No failure.
    case delivered
    case feedback
    case vacation

    /// The address is no good and will not be, whoever writes to it.
    public var isAboutAddress: Bool {
        switch self {
        case .userUnknown, .hostUnknown, .hasMoved, .notAccept: true
        default: false
        }
    }

    /// What the other side thinks of us or of this one message (RFC 3463 X.7.x and their like): never held against a person.
    public var isAboutSender: Bool {
        switch self {
        case .rejected, .blocked, .badReputation, .requirePTR, .authFailure, .policyViolation, .securityError, .noRelaying,
            .tooManyConnections, .spamDetected, .virusDetected, .contentError, .notCompliantRFC, .messageTooBig, .exceedLimit,
            .syntaxError:
            true
        default: false
        }
    }
}
