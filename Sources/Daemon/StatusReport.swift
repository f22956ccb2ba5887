import Domain
import Store

/// `hongyan status`: the whole of it on one screen.
struct StatusReport {
    let text: String

    init(_ tx: Transaction, held: String?) throws {
        var lines: [String] = []
        let accounts = try tx.accounts.allHealth()
        let tokens = try tx.tokens.states()
        let folders = Dictionary(grouping: try tx.accounts.folderCounts(), by: \.account)
        let hooks = try tx.accounts.allHooks()
        if accounts.isEmpty { lines.append("No account has been polled yet.") }
        for health in accounts {
            lines.append(
                "\(health.account)  \(health.state.rawValue)  \(health.itemsStored) stored  "
                    + "last success \(Self.ago(health.lastSuccessAt, tx.now))"
            )
            lines += Self.detail(health, tx.now)
            for folder in folders[health.account] ?? [] { lines.append("    " + Self.words(folder, tx.now)) }
            if let counts = hooks[health.account] { lines.append("    " + Self.words(counts, tx.now)) }
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
        let cut = try tx.spool.cutCount()
        if cut > 0 { lines.append("in part    \(cut) large mails; hongyan fetch lists them") }
        if let held { lines.append("delivery   HELD: \(held) Look at it, then run: hongyan release") }
        text = lines.joined(separator: "\n")
    }

    /// Streams, requests, what the source still allows, and a silence that is longer than ever.
    static func detail(_ health: AccountHealth, _ now: Timestamp) -> [String] {
        var lines: [String] = []
        for (name, stream) in health.detail.streams.sorted(by: { $0.key < $1.key }) {
            var line = "    \(name)  \(stream.itemsStored) stored  last success \(ago(stream.lastSuccessAt, now))"
            if let lag = stream.lag { line += "  lag \(span(.seconds(lag)))" }
            if stream.hasBacklog { line += "  more is waiting" }
            if let error = stream.error { line += "  \(error)" }
            lines.append(line)
        }
        var facts: [String] = []
        if health.detail.requests > 0 { facts.append("\(health.detail.requests) requests") }
        if let budget = health.detail.budget, budget.until > now {
            facts.append("\(budget.requests) more allowed, full again \(inFuture(budget.until, now))")
        }
        if let next = health.nextAttemptAt, health.state == .working { facts.append("next \(inFuture(next, now))") }
        if !facts.isEmpty { lines.append("    " + facts.joined(separator: ", ")) }
        if let silence = health.detail.unusualSilence(itemsStored: health.itemsStored, now: now) {
            lines.append("    nothing has come for \(span(silence)), which is longer than ever before")
        }
        return lines
    }

    /// `INBOX  server 10 412, we 10 412  compared 3 min ago`
    static func words(_ folder: FolderCount, _ now: Timestamp) -> String {
        let missing = folder.server - folder.ours
        var text = "\(folder.folder)  server \(grouped(folder.server)), we \(grouped(folder.ours))"
        if missing > 0 { text += ", \(grouped(missing)) missing" }
        if folder.late > 0 { text += ", \(grouped(folder.late)) were found late" }
        return text + "  compared \(ago(folder.checkedAt, now))"
    }

    /// `pushed 12 taken, last 3 s ago; 2 refused, last 5 min ago: the signature is wrong`
    static func words(_ counts: HookCounts, _ now: Timestamp) -> String {
        var text = "pushed \(grouped(Int(counts.taken))) taken, last \(ago(counts.lastTakenAt, now))"
        guard counts.refusedCount > 0 else { return text }
        text += "; \(grouped(Int(counts.refusedCount))) refused, last \(ago(counts.lastRefusedAt, now))"
        return text + (counts.lastReason.map { ": \($0.words)" } ?? "")
    }

    /// `10 412`
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        return String(
            digits.enumerated().flatMap { (digits.count - $0.offset) % 3 == 0 && $0.offset > 0 ? [" ", $0.element] : [$0.element] })
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
