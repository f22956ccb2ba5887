import Domain
import HTTPTypes
import Hummingbird
import Logging
import Store

// What operators look at: accounts, quarantine, the ledger's counts.
extension Site {
    static let quarantineMax = 200
    private static let sendsListed = 20
    /// Accounts on one page; those that need somebody come first.
    static let accountsListed = 200

    private struct Status: Sendable {
        var health: [AccountHealth]
        var folders: [FolderCount]
        var hooks: [String: HookCounts]
        var spool: [String: Int64]
        var sends: [Send.State: Int64]
        var interactions: Int64
        var unplaced: Int64
        var uncertain: [Send]
        var rejected: [Send]
        var breakers: [Breaker]
    }

    @Sendable func accountsPage(_ request: Request, _ visit: Visit) async throws -> Response {
        let status = try await store.read { transaction in
            Status(
                health: try transaction.accounts.allHealth(), folders: try transaction.accounts.folderCounts(),
                hooks: try transaction.accounts.allHooks(),
                spool: try transaction.spool.counts(), sends: try transaction.sends.counts(),
                interactions: try transaction.interactions.count(), unplaced: try transaction.interactions.unplacedCount(),
                uncertain: try transaction.sends.list(state: .uncertain, limit: Self.sendsListed),
                rejected: try transaction.sends.list(state: .rejected, limit: Self.sendsListed),
                breakers: try transaction.loops.breakers())
        }
        let words = words(visit)
        let time = TimeText(words: words, now: store.time.now())
        let folders = Dictionary(grouping: status.folders, by: \.account)
        let listed = Self.urgent(status.health, store.time.now()).prefix(Self.accountsListed)
        var model: Model = [
            "accounts": listed.map { account($0, folders[$0.account] ?? [], status.hooks[$0.account], words, time) },
            "isEmpty": status.health.isEmpty,
        ]
        if status.health.count > listed.count {
            model["more"] = words.fill("accounts_more", ["n": "\(listed.count)", "all": "\(status.health.count)"])
        }
        model["spool"] = status.spool.sorted { $0.key < $1.key }.map { state, count in
            [
                "name": words.has("spool_\(state)") ? words["spool_\(state)"] : state, "count": "\(count)",
                "tone": state == "quarantined" && count > 0 ? "bad" : "",
            ] as Model
        }
        model["sends"] = Send.State.allCases.compactMap { state -> Model? in
            guard let count = status.sends[state], count > 0 else { return nil }
            return ["name": words["send_\(state.rawValue)"], "count": "\(count)", "hint": words["send_hint_\(state.rawValue)"]]
        }
        model["hasSends"] = status.sends.values.contains { $0 > 0 }
        model["interactions"] = "\(status.interactions)"
        model["unplaced"] = "\(status.unplaced)"
        let doubtful = status.uncertain + status.rejected
        model["doubtful"] = doubtful.map { send in
            [
                "state": words["send_\(send.state.rawValue)"], "tone": send.state == .rejected ? "bad" : "warn",
                "recipient": send.recipient,
                "name": send.journey ?? words["send_\(send.kind.rawValue)"], "response": send.response ?? "",
                "when": time.stamp(send.finishedAt ?? send.createdAt),
            ] as Model
        }
        model["hasDoubtful"] = !doubtful.isEmpty
        model["breakers"] = status.breakers.map { breaker in
            [
                "address": breaker.address, "reason": words.said(breaker.reason), "since": time.stamp(breaker.trippedAt),
                "until": "\(breaker.until)",
            ] as Model
        }
        model["hasBreakers"] = !status.breakers.isEmpty
        if let count = status.spool["quarantined"], count > 0 { model["quarantined"] = "\(count)" }
        model["isAccounts"] = true
        return page("accounts", visit, title: words["accounts_title"], model)
    }

    /// What each folder holds on its server, and what of it is here.
    func folders(_ counts: [FolderCount], _ words: Vocabulary, _ time: TimeText) -> [Model] {
        counts.map { count in
            var model: Model = [
                "name": count.folder, "server": "\(count.server)", "ours": "\(count.ours)", "isSame": count.server == count.ours,
                "text": words.fill("folder_counts", ["server": "\(count.server)", "ours": "\(count.ours)"]),
            ]
            if count.late > 0 { model["late"] = words.fill("folder_late", ["n": "\(count.late)"]) }
            model["checked"] = time.model(count.checkedAt)
            return model
        }
    }

    @Sendable func quarantinePage(_ request: Request, _ visit: Visit) async throws -> Response {
        let items = try await store.read { try $0.spool.quarantined(limit: Self.quarantineMax) }
        let words = words(visit)
        let time = TimeText(words: words, now: store.time.now())
        var model: Model = ["isEmpty": items.isEmpty, "isQuarantine": true, "count": "\(items.count)"]
        model["items"] = items.map { item in
            [
                "id": item.id.description, "account": item.account, "externalID": item.externalID,
                "kind": words["kind_\(item.kind.rawValue)"],
                "error": item.error ?? "", "attempts": words.fill("attempts", ["n": "\(item.attempts)"]),
                "when": time.stamp(item.receivedAt),
            ] as Model
        }
        if let done = request.query("done"), words.has("quarantine_\(done)") { model["done"] = words["quarantine_\(done)"] }
        return page("quarantine", visit, title: words["quarantine_title"], model)
    }

    private func quarantined(_ visit: Visit) throws(Refusal) -> ID<SpooledItem> {
        guard let id = visit.parameters.get("id").flatMap({ ID<SpooledItem>($0) }) else { throw Refusal(.notFound, "404") }
        return id
    }

    /// The item as it came, to be looked at elsewhere.
    @Sendable func quarantineBytes(_ request: Request, _ visit: Visit) async throws -> Response {
        let id = try quarantined(visit)
        guard let item = try await store.read({ try $0.spool.get(id) }) else { throw Refusal(.notFound, "404") }
        let ending = item.kind == .mail ? "eml" : item.kind == .form ? "json" : "txt"
        return .download(try await store.bytes(of: item), name: "\(item.account)-\(id).\(ending)")
    }

    @Sendable func postReplay(_ request: Request, _ visit: Visit) async throws -> Response {
        let (session, _) = try await agentForm(request, visit)
        let id = try quarantined(visit)
        let isDone = try await store.write { try $0.spool.replay(id) }
        logger.notice("Quarantined item replayed.", metadata: ["item": "\(id)", "agent": "\(session.agent.login)"])
        return .seeOther("/quarantine?done=\(isDone ? "replayed" : "gone")")
    }

    @Sendable func postDrop(_ request: Request, _ visit: Visit) async throws -> Response {
        let (session, _) = try await agentForm(request, visit)
        let id = try quarantined(visit)
        let isDone = try await store.write { try $0.spool.drop(id) }
        logger.notice("Quarantined item dropped.", metadata: ["item": "\(id)", "agent": "\(session.agent.login)"])
        return .seeOther("/quarantine?done=\(isDone ? "dropped" : "gone")")
    }
}
