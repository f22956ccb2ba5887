import Domain
import Transport

/// Why a poll brought nothing, in words an operator can act on. Never holds a secret.
public enum SourceError: Error, Hashable, CustomStringConvertible {
    case credentialsRefused(url: String, answer: String)
    case gone(url: String)
    case refused(url: String, status: Int, retryAfter: Duration?)
    case webPage(url: String, expected: String)
    case empty(url: String, expected: String)
    case unreadable(path: String, reason: String)
    case tooManyFiles(path: String, max: Int)
    case mailboxLost(url: String, reason: String)

    public var description: String {
        switch self {
        case .credentialsRefused(let url, let answer):
            "\(url) refused the credentials (\(answer)); give the account a valid user and password, then reload"
        case .gone(let url):
            "\(url) says it is gone for good (410); remove the account or give it the new address"
        case .refused(let url, let status, _):
            switch status {
            case 404: "\(url) does not exist (404); check the address"
            case 429: "\(url) asks us to come less often (429); raise the account's interval"
            case 500...: "\(url) has trouble of its own (\(status)); it is tried again by itself"
            default: "\(url) answered \(status); open it in a browser to see why"
            }
        case .webPage(let url, let expected):
            "\(url) answered with a web page instead of \(expected); check the address, and whether it wants a login"
        case .empty(let url, let expected):
            "\(url) answered with nothing instead of \(expected); check the address"
        case .unreadable(let path, let reason):
            "cannot read \(path): \(reason); check that it exists and the daemon's user may read it"
        case .tooManyFiles(let path, let max):
            "\(path) holds more than \(max) files; move the old ones away"
        case .mailboxLost(let url, let reason):
            "\(url): \(reason)"
        }
    }

    /// What the schedule makes of it.
    public var remedy: Remedy {
        switch self {
        case .credentialsRefused, .gone: .stop
        case .refused(_, _, let retryAfter): .retry(notBefore: retryAfter)
        default: .retry(notBefore: nil)
        }
    }

    public enum Remedy: Sendable, Hashable {
        /// Again with growing waits, and not earlier than the server asked for.
        case retry(notBefore: Duration?)
        /// Nothing helps but a person.
        case stop
    }
}

/// Addresses as messages may show them.
enum Shown {
    /// Without user, password, query and fragment, where secrets live.
    static func url(_ url: String) -> String {
        var text = url[...]
        if let cut = text.firstIndex(where: { $0 == "?" || $0 == "#" }) { text = text[..<cut] }
        guard let scheme = text.firstRange(of: "://") else { return String(text) }
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return String(text) }
        return String(text[..<scheme.upperBound]) + rest[rest.index(after: at)...]
    }
}

extension SourceError {
    /// What the schedule makes of any error a poll can end with.
    public static func remedy(of error: any Error) -> Remedy {
        switch error {
        case let error as SourceError: error.remedy
        case let trouble as ChannelTrouble: trouble.remedy == .stop || trouble.remedy == .reauth ? .stop : .retry(notBefore: trouble.wait)
        case is ChannelCallError: .stop
        case let error as TransportError:
            switch error {
            case .authorization: .stop
            case .loginRefused where !error.isTemporary: .stop
            default: .retry(notBefore: nil)
            }
        default: .retry(notBefore: nil)
        }
    }
}
