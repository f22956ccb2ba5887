import Domain
import HTTPTypes
import Hummingbird
import Logging
import Store

// How each account is doing, and what can be asked of it: on hold, go on, poll now.
extension Site {
    /// Those that need somebody first, then by name.
    static func urgent(_ all: [AccountHealth], _ now: Timestamp) -> [AccountHealth] {
        func rank(_ health: AccountHealth) -> Int {
            switch health.state {
            case .stopped: 0
            case .failing: 1
            case .paused: 2
            case .working, .waiting, .onHold:
                health.detail.unusualSilence(itemsStored: health.itemsStored, now: now) != nil ? 3 : health.state == .onHold ? 4 : 5
            }
        }
        return all.sorted { (rank($0), $0.account) < (rank($1), $1.account) }
    }

    func account(
        _ health: AccountHealth, _ counts: [FolderCount], _ hooks: HookCounts?, _ words: Vocabulary, _ time: TimeText
    ) -> Model {
        let tone =
            switch health.state {
            case .working: "good"
            case .failing, .stopped: "bad"
            case .paused, .onHold: "warn"
            case .waiting: health.lastSuccessAt == nil ? "" : "good"
            }
        var model: Model = [
            "name": health.account, "state": words["account_\(health.state.rawValue)"], "tone": tone, "stored": "\(health.itemsStored)",
            "failures": "\(health.failuresInARow)", "hasFailures": health.failuresInARow > 0, "isOnHold": health.state == .onHold,
        ]
        model["folders"] = folders(counts, words, time)
        if let hooks {
            model["pushed"] =
                ["count": "\(hooks.taken)", "when": time.model(hooks.lastTakenAt) ?? [:], "isTaken": hooks.taken > 0] as Model
            if hooks.refusedCount > 0 {
                let why = hooks.lastReason.map { words["hook_\($0.rawValue)"] } ?? ""
                model["refused"] = ["count": "\(hooks.refusedCount)", "why": why, "when": time.model(hooks.lastRefusedAt) ?? [:]] as Model
            }
        }
        model["success"] = time.model(health.lastSuccessAt)
        model["attempt"] = time.model(health.lastAttemptAt)
        model["newest"] = time.model(health.detail.lastItemAt)
        if health.detail.requests > 0 { model["requests"] = "\(health.detail.requests)" }
        if let budget = health.detail.budget, budget.until > time.now {
            model["budget"] = words.fill("account_budget_left", ["n": "\(budget.requests)", "when": time.ahead(budget.until)])
        }
        if let next = health.nextAttemptAt {
            model["next"] = ["iso": next.description, "text": time.ahead(next), "full": time.full(next)] as Model
        }
        if let silence = health.detail.unusualSilence(itemsStored: health.itemsStored, now: time.now) {
            model["silence"] = words.fill("account_silence", ["time": hours(silence, words)])
        }
        if let error = health.lastError, !error.isEmpty { model["error"] = error }
        model["streams"] = health.detail.streams.sorted { $0.key < $1.key }.map { stream($0.key, $0.value, words, time) }
        return model
    }

    private func stream(_ name: String, _ stream: AccountStream, _ words: Vocabulary, _ time: TimeText) -> Model {
        var facts = [words.fill("stream_stored", ["n": "\(stream.itemsStored)"])]
        if let lag = stream.lag { facts.append(words.fill("stream_lag", ["time": span(lag, words)])) }
        if stream.hasBacklog { facts.append(words["stream_backlog"]) }
        var model: Model = ["name": name, "facts": facts.joined(separator: " · "), "isBad": stream.error != nil]
        model["readAt"] = time.model(stream.lastSuccessAt)
        if let error = stream.error { model["trouble"] = error }
        return model
    }

    private func hours(_ duration: Duration, _ words: Vocabulary) -> String { span(duration.components.seconds, words) }

    private func span(_ seconds: Int64, _ words: Vocabulary) -> String {
        switch seconds {
        case ..<120: words.fill("span_seconds", ["n": "\(seconds)"])
        case ..<7200: words.fill("span_minutes", ["n": "\(seconds / 60)"])
        case ..<172_800: words.fill("span_hours", ["n": "\(seconds / 3600)"])
        default: words.fill("span_days", ["n": "\(seconds / 86_400)"])
        }
    }

    /// The buttons of a card: `hold`, `resume`, `poll`.
    @Sendable func postAccount(_ request: Request, _ visit: Visit) async throws -> Response {
        let (session, form) = try await agentForm(request, visit)
        let (name, what, login) = (form["account"] ?? "", form["do"] ?? "", session.agent.login)
        let isKnown = try await store.write { transaction in
            guard try transaction.accounts.health(name) != nil else { return false }
            switch what {
            case "hold", "resume": try transaction.accounts.hold(name, what == "hold", by: login)
            case "poll": try transaction.accounts.askPoll(name)
            default: return false
            }
            return true
        }
        guard isKnown else { throw Refusal(.badRequest, "400") }
        logger.notice("An account was told what to do.", metadata: ["account": "\(name)", "order": "\(what)", "agent": "\(login)"])
        return .seeOther(localPath("/accounts"))
    }
}
