import Domain
import Hummingbird
import Store

/// What the left pane offers.
enum InboxView: Sendable, Hashable {
    case mine, unassigned, open, low
    case queue(String)
    case solved, closed
    /// Messages that open no ticket: automatic answers, bounces, lists.
    case automatic

    /// As it stands in an address: `mine`, `queue:Billing`.
    init?(_ text: String) {
        switch text {
        case "mine": self = .mine
        case "unassigned": self = .unassigned
        case "open": self = .open
        case "low": self = .low
        case "solved": self = .solved
        case "closed": self = .closed
        case "automatic": self = .automatic
        default:
            guard text.hasPrefix("queue:"), text.utf8.count > 6 else { return nil }
            self = .queue(String(text.dropFirst(6)))
        }
    }

    var name: String {
        switch self {
        case .mine: "mine"
        case .unassigned: "unassigned"
        case .open: "open"
        case .low: "low"
        case .queue(let name): "queue:\(name)"
        case .solved: "solved"
        case .closed: "closed"
        case .automatic: "automatic"
        }
    }

    func title(_ words: Vocabulary) -> String {
        if case .queue(let name) = self { return name }
        return words["view_\(name)"]
    }

    /// Nil for `automatic`, which holds no tickets.
    func tickets(of agent: ID<Agent>) -> TicketView? {
        switch self {
        case .mine: .mine(agent)
        case .unassigned: .unassigned
        case .open: .open
        case .low: .lowMood
        case .queue(let name): .queue(name)
        case .solved: .status(.solved)
        case .closed: .status(.closed)
        case .automatic: nil
        }
    }
}

/// What the inbox's address asks for.
struct InboxQuery: Sendable {
    /// Nil: mine when there are any, else all open ones.
    var view: InboxView?
    var search: String?
    /// Below this activity: an older page.
    var before: Timestamp?

    static let searchBytesMax = 200

    init(_ request: Request) {
        view = request.query("view").flatMap(InboxView.init)
        search = request.query("q").map { String($0.prefix(Self.searchBytesMax)).trimmed }.flatMap { $0.isEmpty ? nil : $0 }
        before = request.query("before").flatMap { Int64($0) }.map(Timestamp.init(microseconds:))
    }

    /// `?view=…&q=…` without the page, to come back to the same list.
    func address(view: InboxView) -> String {
        var parts = ["view=\(percentEncoded(view.name))"]
        if let search { parts.append("q=\(percentEncoded(search))") }
        return "?" + parts.joined(separator: "&")
    }
}
