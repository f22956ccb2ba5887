import Domain
import Store

/// `hongyan status`: the whole of it on one screen.
struct StatusReport {
    let text: String

    init(_ tx: Transaction, held: String?) throws {
        var lines: [String] = []
        let accounts = try tx.accounts.allHealth()
        let tokens = try tx.tokens.states()
        if accounts.isEmpty { lines.append("No account has been polled yet.") }
        for health in accounts {
            lines.append(
                "\(health.account)  \(health.state.rawValue)  \(health.itemsStored) stored  "
                    + "last success \(Self.ago(health.lastSuccessAt, tx.now))"
            )
            if let error = health.lastError, health.state != .working, health.failuresInARow > 0 {
                lines.append("    \(health.failuresInARow) failures in a row: \(error)")
                if let next = health.nextAttemptAt { lines.append("    tries again \(Self.inFuture(next, tx.now))") }
            }
        }
        for token in tokens {
            if let problem = token.problem {
                lines.append("\(token.account)  no permission: \(problem). Run: hongyan auth \(token.account)")
            } else if let end = token.refreshExpiresAt {
                lines.append(
                    "\(token.account)  permission ends \(Self.inFuture(end, tx.now)); renew it with: hongyan auth \(token.account)")
            } else if let end = token.expiresAt {
                lines.append("\(token.account)  access token ends \(Self.inFuture(end, tx.now)), renewed by itself before")
            }
        }
        let spool = try tx.spool.counts().sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        let counts = try tx.tickets.counts(agent: nil)
        let sends = try tx.sends.counts().sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key.rawValue)" }.joined(
            separator: ", ")
        lines.append("")
        lines.append("messages   \(try tx.interactions.count()), \(try tx.interactions.unplacedCount()) not placed yet")
        lines.append("spool      \(spool.isEmpty ? "empty" : spool)")
        lines.append("tickets    \(try tx.tickets.count()), \(counts.open) open, \(counts.unassigned) unassigned")
        lines.append("customers  \(try tx.customers.count())")
        lines.append("sends      \(sends.isEmpty ? "none" : sends)")
        for breaker in try tx.loops.breakers() {
            lines.append(
                "breaker    \(breaker.address): no automatic mail, \(breaker.reason); ends \(Self.inFuture(breaker.until, tx.now))")
        }
        if let held { lines.append("delivery   HELD: \(held) Look at it, then run: hongyan release") }
        text = lines.joined(separator: "\n")
    }

    static func ago(_ time: Timestamp?, _ now: Timestamp) -> String {
        guard let time else { return "never" }
        return "\(span(now - time)) ago"
    }

    static func inFuture(_ time: Timestamp, _ now: Timestamp) -> String { time <= now ? "now" : "in \(span(time - now))" }

    private static func span(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        return switch seconds {
        case ..<120: "\(seconds) s"
        case ..<7200: "\(seconds / 60) min"
        case ..<172_800: "\(seconds / 3600) h"
        default: "\(seconds / 86400) days"
        }
    }
}
