import Domain
import FoundationEssentials
import Intake
import Logging
import ServiceLifecycle
import Store
import Synchronization
import Transport

/// Tells the operator over another channel when an account stops, and when it is well again; each only once, however many nodes run.
/// Also lets an account whose permission was renewed go on at once.
final class AlertService: Service {
    static let interval = Duration.seconds(5)
    /// A permission that ends is announced this long before.
    static let warnBefore = Duration.seconds(7 * 86_400)
    static let webhookTries = 3

    private let store: Store
    private let loop: TransferLoop
    private let intake: IntakeService
    private let tokens: OAuthKeeper
    private let logger: Logger
    private let alerts: Mutex<Alerts?>

    init(store: Store, loop: TransferLoop, intake: IntakeService, tokens: OAuthKeeper, alerts: Alerts?, logger: Logger) {
        self.store = store
        self.loop = loop
        self.intake = intake
        self.tokens = tokens
        self.alerts = Mutex(alerts)
        self.logger = logger
    }

    func reload(_ alerts: Alerts?) { self.alerts.withLock { $0 = alerts } }

    func run() async throws {
        var seen: [String: Timestamp] = [:]
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            do {
                try await wake(&seen)
                try await tell()
            } catch { logger.warning("Alerts could not be looked at; they are looked at again.", metadata: ["error": "\(error)"]) }
            await cancelWhenGracefulShutdown { try? await Task.sleep(for: Self.interval) }
        }
    }

    /// Somebody ran `hongyan auth` beside us.
    private func wake(_ seen: inout [String: Timestamp]) async throws {
        for token in try await store.read({ try $0.tokens.states() }) where token.problem == nil {
            guard let before = seen[token.account] else {
                seen[token.account] = token.changedAt
                continue
            }
            guard token.changedAt != before else { continue }
            seen[token.account] = token.changedAt
            let stopped = intake.health.contains { $0.account == token.account && $0.state != .working }
            guard stopped else { continue }
            await tokens.forget(token.account)
            intake.pollNow(token.account)
        }
    }

    private func tell() async throws {
        guard let alerts = alerts.withLock({ $0 }) else { return }
        let news = try await store.write { try AlertRule(alerts: alerts).news($0) }
        for item in news {
            logger.notice("An alert goes out.", metadata: ["subject": "\(item.subject)"])
            if let webhook = alerts.webhook { await post(item, to: webhook) }
        }
    }

    private func post(_ item: AlertRule.News, to webhook: Secret) async {
        struct Payload: Encodable {
            var text: String
            var account: String
            var state: String
        }
        var request = HTTPRequest("POST", webhook.reveal())
        request.headers = [("Content-Type", "application/json")]
        request.body = (try? JSONEncoder().encode(Payload(text: "\(item.subject)\n\(item.text)", account: item.account, state: item.state)))
            .map { [UInt8]($0) }
        request.totalTimeout = .seconds(15)
        request.redirectsMax = 0
        for attempt in 1...Self.webhookTries {
            if let response = try? await loop.http(request), (200..<300).contains(response.status) { return }
            try? await Task.sleep(for: .seconds(attempt))
        }
        logger.error("The alert webhook does not answer.", metadata: ["account": "\(item.account)"])
    }
}

/// What there is to tell. What was told is remembered in the same transaction, so nobody is told twice.
struct AlertRule {
    struct News: Sendable, Hashable {
        var account: String
        var state: String
        var subject: String
        var text: String
    }

    private static let memory = "alerts"

    let alerts: Alerts

    func news(_ tx: Transaction) throws -> [News] {
        let known = try tx.meta.get(Self.memory) ?? "{}"
        var told = (try? JSONDecoder().decode([String: String].self, from: Data(known.utf8))) ?? [:]
        var news: [News] = []
        var isChanged = false
        for health in try tx.accounts.allHealth() {
            let key = "account/\(health.account)"
            if let state = trouble(health, tx.now) {
                guard told[key] == nil else { continue }
                told[key] = state
                news.append(
                    News(
                        account: health.account, state: state, subject: "\(health.account): \(state)",
                        text:
                            "\(health.lastError ?? "No reason is known.")\n\n"
                            + "Last success: \(StatusReport.ago(health.lastSuccessAt, tx.now)). "
                            + "Other accounts go on. `hongyan status` shows all."
                    ))
            } else if health.state == .working, told[key] != nil {
                told[key] = nil
                news.append(
                    News(
                        account: health.account, state: "working", subject: "\(health.account): works again",
                        text: "Nothing needs to be done."))
            }
        }
        isChanged = try silences(tx, &told, &news) || isChanged
        for token in try tx.tokens.states() {
            let key = "token/\(token.account)"
            guard let end = token.refreshExpiresAt, token.problem == nil, isNear(end, token, tx.now) else {
                isChanged = told.removeValue(forKey: key) != nil || isChanged
                continue
            }
            guard told[key] == nil else { continue }
            told[key] = end.description
            news.append(
                News(
                    account: token.account, state: "expiring",
                    subject: "\(token.account): the permission ends \(StatusReport.inFuture(end, tx.now))",
                    text: "Before that, run: hongyan auth \(token.account)"))
        }
        guard !news.isEmpty || isChanged else { return [] }
        try tx.meta.set(Self.memory, String(decoding: try JSONEncoder().encode(told), as: UTF8.self))
        if let mail = alerts.mail {
            for item in news {
                let id: ID<Send> = tx.newID()
                var send = Send(
                    id: id, key: "alert/\(id)", kind: .alert, purpose: .transactional, recipient: mail, dueAt: tx.now, createdAt: tx.now)
                send.sender = alerts.sender
                send.subject = "[hongyan] \(item.subject)"
                send.text = item.text
                _ = try tx.sends.plan(send)
            }
        }
        return news
    }

    /// Accounts that are polled without an error, and bring nothing for longer than ever.
    /// - Returns: whether one of them speaks again.
    private func silences(_ tx: Transaction, _ told: inout [String: String], _ news: inout [News]) throws -> Bool {
        var isChanged = false
        for health in try tx.accounts.allHealth() where health.state == .working {
            let key = "silence/\(health.account)"
            guard let silence = health.detail.unusualSilence(itemsStored: health.itemsStored, now: tx.now) else {
                isChanged = told.removeValue(forKey: key) != nil || isChanged
                continue
            }
            guard told[key] == nil else { continue }
            told[key] = "silent"
            let since = StatusReport.ago(health.detail.lastItemAt, tx.now)
            news.append(
                News(
                    account: health.account, state: "silent", subject: "\(health.account): nothing comes any more",
                    text: "It is polled without an error, but the last new message came \(since), and it was never silent for so long "
                        + "(\(silence.components.seconds / 3600) h). Look at the source: is something switched off or moved there?"))
            try tx.events.append(
                Event(at: tx.now, kind: .accountChanged, data: ["account": health.account, "change": "silent", "since": since]))
        }
        return isChanged
    }

    /// An end that moves on with each renewal is never near: at least half of its time is always left.
    private func isNear(_ end: Timestamp, _ token: TokenState, _ now: Timestamp) -> Bool {
        let left = end - now
        return left < AlertService.warnBefore && left * 2 < token.refreshLife ?? .zero
    }

    /// Nil when all is well, or may soon be well by itself.
    private func trouble(_ health: AccountHealth, _ now: Timestamp) -> String? {
        switch health.state {
        case .stopped: return "stopped"
        case .failing:
            guard let since = health.lastSuccessAt else { return health.failuresInARow >= 5 ? "failing" : nil }
            return now - since > alerts.after ? "failing" : nil
        case .waiting, .working, .paused, .onHold: return nil
        }
    }
}
