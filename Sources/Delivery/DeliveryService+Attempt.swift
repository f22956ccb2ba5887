import Domain
import Logging
import Store
import Synchronization
import Transport

/// One row's way: may it go out, what does it say, who takes it, what did they answer.
extension DeliveryService {
    /// How long one message may take on its connection; ended by force then. Longer than SMTP's last answer may take.
    static let attemptMax: Duration = .seconds(720)
    /// The part of the lease that must be left when a row is begun: connecting, one attempt, and writing down its outcome.
    static let leaseNeeded: Duration = .seconds(800)

    /// - Returns: what is still to be written down; nil when that is done, or nothing became of it.
    func attempt(_ row: Claimed, outlet: Outlet?, lane: Lane?, connection: inout Lane.Connection?) async -> DeliveryOutcome? {
        let send = row.send
        let now = store.time.now()
        if row.at + settings.lease - now < min(Self.leaseNeeded, settings.lease / 2) {  // a slow connection before this one
            return .deferred(after: .zero, "waited too long for a free connection")
        }
        do {
            let (isKnown, allowsUTF8, loops) = (lane != nil, lane?.sender.smtputf8 == true, settings.loops)
            let (held, verdict) = try await patiently(row) { store in
                try await store.read { transaction in
                    let verdict = try Verdict.on(send, senderIsKnown: isKnown, allowsUTF8: allowsUTF8, loops: loops, in: transaction)
                    return (try DeliveryGate.heldReason(in: transaction), verdict)
                }
            }
            if held != nil {
                try await patiently(row) { store in _ = try await store.write { try $0.sends.unclaim(send.id, owner: row.owner) } }
                return nil
            }
            guard verdict == .send, let lane, let outlet else {
                try await settle(row, verdict)
                return nil
            }
            if let answer = send.details.channel { return try await deliver(answer, row, from: lane.sender) }
            let composer = Composer(
                layouts: layouts, publicURL: settings.publicURL, replyTo: settings.replyTo, signer: store.signer, templates: templates,
                keyring: keyring)
            let mail: Composer.Composed
            do {
                mail = try await composer.compose(send, from: lane.sender, now: now, store: store)
            } catch let error as ComposeError {
                try await settle(row, .hold(error.description))
                return nil
            }
            if let folder = lane.folder {
                await deliver(mail, row, into: folder)
                return nil
            }
            return await deliver(mail, row, outlet: outlet, lane: lane, connection: &connection)
        } catch is CancellationError {
        } catch {
            log(row, "A send could not be settled; its lease will end and it is tried again.", error)
        }
        return nil
    }

    func settle(_ row: Claimed, _ verdict: Verdict) async throws {
        let id = row.send.id
        try await patiently(row) { store in
            switch verdict {
            case .send: break
            case .skip(let reason): _ = try await store.write { try $0.sends.skip(id, reason: reason) }
            case .hold(let reason): _ = try await store.write { try $0.sends.hold(id, reason: reason) }
            case .loop(let refusal): try await settle(row.send, refusal, store)
            }
        }
    }

    private func settle(_ send: Send, _ refusal: LoopRefusal, _ store: Store) async throws {
        let loops = settings.loops
        let tripped = try await store.write { transaction in
            let breaker = try transaction.loops.apply(refusal, send, by: loops)
            if refusal.mayGoLater {
                try transaction.sends.hold(send.id, reason: refusal.reason)
            } else {
                try transaction.sends.skip(send.id, reason: refusal.reason)
            }
            return breaker
        }
        guard let tripped else { return }
        logger.warning(
            "A breaker tripped; automatic mail to this address stops.",
            metadata: ["address": "\(tripped.address)", "reason": "\(tripped.reason)", "until": "\(tripped.until)"])
    }

    /// Writing the file again changes nothing, so the row changes only after the file is there, and is never uncertain.
    private func deliver(_ mail: Composer.Composed, _ row: Claimed, into folder: FolderOutbox) async {
        let send = row.send
        let retry = settings.retry
        do {
            let name = try await folder.write(mail.bytes, messageID: mail.messageID)
            try await patiently(row) { store in
                try await store.write { transaction in
                    guard try transaction.sends.handOver(send.id, messageID: mail.messageID, owner: row.owner) else { return }
                    try transaction.sends.record(send.id, .accepted("written to \(name)"), retry: retry)
                }
            }
        } catch let error as FolderError {
            await record(row, .deferred(after: retry.wait(afterAttempt: send.attempts), error.description))
        } catch {
            log(row, "A mail was written and could not be recorded; it will be written again to the same file.", error)
        }
    }

    private func deliver(
        _ mail: Composer.Composed, _ row: Claimed, outlet: Outlet, lane: Lane, connection: inout Lane.Connection?
    ) async -> DeliveryOutcome? {
        let wait = settings.retry.wait(afterAttempt: row.send.attempts)
        for mayTryAgain in [true, false] {
            let isReused = connection != nil
            if connection == nil {
                switch await connect(outlet, lane, patience: row.at + settings.lease - store.time.now() - Self.leaseNeeded) {
                case .connected(let new): connection = new
                case .nobody(let words): return .rejected(words)
                case .closed(let words, let pause): return .deferred(after: max(wait, pause), words)
                case .cancelled: return nil
                }
            }
            guard var open = connection else { return nil }
            let pause = open.gate.pace(at: store.time.now())
            if pause > .zero { try? await Task.sleep(for: pause) }
            let (result, isOurs) = await send(mail, row, over: open.client)
            open.mails += 1
            if result.connectionUsable, open.mails < lane.sender.limits.perConnection {
                connection = open
            } else {
                connection = nil
                await close([open])
            }
            guard isOurs else { return nil }
            // A server may have closed a connection that lay idle; nothing was said about this mail yet.
            if mayTryAgain, isReused, !result.connectionUsable, !result.finalDotSent, result.recipients.isEmpty, !Task.isCancelled {
                continue
            }
            return judge(result.outcome, wait: wait, by: open.gate, isRelay: lane.domain == nil)
        }
        return nil
    }

    /// Learns from the answer what the destination wants of us. A relay's 4.7.x is about the one recipient, whose domain it speaks for.
    private func judge(_ outcome: DeliveryOutcome, wait: Duration, by gate: DestinationGate, isRelay: Bool) -> DeliveryOutcome {
        switch outcome {
        case .accepted, .rejected:
            gate.wasGood()
            return outcome
        case .deferred(_, let words):
            let refusal = Refusal(words)
            var wait = max(wait, refusal.wait ?? .zero)
            if isRelay ? refusal.isClosing : refusal.isAboutUs {
                wait = max(wait, gate.wasTooMuch(because: words, atLeast: refusal.wait, at: store.time.now()))
                logger.notice("A destination wants us to slow down.", metadata: ["destination": "\(gate.name)", "words": "\(words)"])
            }
            return .deferred(after: wait, words)
        case .uncertain: return outcome
        }
    }

    private enum Connecting {
        case connected(Lane.Connection)
        case nobody(String)
        case closed(String, Duration)
        case cancelled
    }

    /// - Parameter patience: how long to wait for others of the same destination to be done.
    private func connect(_ outlet: Outlet, _ lane: Lane, patience: Duration) async -> Connecting {
        let sender = lane.sender
        let dialer = DirectDialer(sender: sender, loop: loop, resolver: resolver, policies: policies, logger: logger)
        if let domain = lane.domain, let provider = await dialer.provider(of: domain), lane.gate.name != provider {
            lane.gate = outlet.gate(provider)
        }
        let gate = lane.gate
        if let closed = gate.closed(at: store.time.now()) { return .closed(closed.reason, closed.wait) }
        if gate.isFull {  // somebody else's connection to the same provider may lie unused
            for other in outlet.lanes where other !== lane && other.hasIdle && other.gate === gate {
                await close(other.takeIdle(since: Timestamp(rawValue: .max)))
            }
        }
        guard await gate.enter(atMost: max(.seconds(1), patience)) else {
            return Task.isCancelled ? .cancelled : .closed("waited too long for a connection to \(gate.name)", .zero)
        }
        do {
            let problem: String
            if let closed = gate.closed(at: store.time.now()) {  // while we waited
                gate.leave()
                return .closed(closed.reason, closed.wait)
            }
            switch try await dial(dialer, lane) {
            case .connected(let client):
                gate.wasReached()
                return .connected(Lane.Connection(client: client, gate: gate, idleSince: store.time.now()))
            case .nobody(let words):
                gate.leave()
                return .nobody(words)
            case .notNow(let words): problem = words
            }
            gate.leave()
            return notReached(problem, sender, gate)
        } catch {
            gate.leave()
            return Task.isCancelled ? .cancelled : notReached("\(error)", sender, gate)
        }
    }

    private func dial(_ dialer: DirectDialer, _ lane: Lane) async throws -> DirectDialer.Dial {
        if let domain = lane.domain { return try await dialer.dial(domain) }
        let sender = lane.sender
        let endpoint = LineEndpoint(
            sender.url, user: sender.user, password: sender.password, accessToken: sender.accessToken, tls: sender.tls, helo: sender.helo)
        if let tokens, let name = sender.tokenName {
            return .connected(
                try await tokens.connect(name, endpoint) { [loop, logger] in
                    try await SMTPClient.connect($0, on: loop, logger: logger)
                })
        }
        return .connected(try await SMTPClient.connect(endpoint, on: loop, logger: logger))
    }

    private func notReached(_ words: String, _ sender: Sender, _ gate: DestinationGate) -> Connecting {
        let now = store.time.now()
        let refusal = Refusal(words)
        let pause =
            refusal.isAboutUs
            ? gate.wasTooMuch(because: words, atLeast: refusal.wait, at: now) : gate.wasNotReached(because: words, at: now)
        logger.warning(
            "A destination cannot be reached.",
            metadata: ["sender": "\(sender.name)", "destination": "\(gate.name)", "error": "\(words)", "retry_in": "\(pause)"])
        return .closed(words, pause)
    }

    /// - Returns: what became of it, and whether the row was still ours when the dot was due; if not, its new owner writes the outcome.
    private func send(_ mail: Composer.Composed, _ row: Claimed, over client: SMTPClient) async -> (result: SMTPResult, isOurs: Bool) {
        let store = store
        let id = row.send.id
        let ownership = Ownership()
        let result = await deadlines.run(atMost: Self.attemptMax) {
            await client.send(from: mail.from, to: [mail.to], bytes: mail.bytes) {
                // Only after this commit may the dot leave: from then on the ledger knows that the mail may have been taken.
                let isOurs = try await store.write { try $0.sends.handOver(id, messageID: mail.messageID, owner: row.owner) }
                ownership.isLost.withLock { $0 = !isOurs }
                return isOurs
            }
        }
        return (result, !ownership.isLost.withLock { $0 })
    }

    // MARK: The ledger

    /// Stores what became of the attempt. An address the other side calls dead gets no more mail from journeys.
    func record(_ row: Claimed, _ outcome: DeliveryOutcome) async {
        let send = row.send
        let retry = settings.retry(for: send)
        let leaseEnd = row.at + settings.lease
        do {
            try await patiently(row) { store in
                try await store.write { transaction in
                    // Past the lease only a last word counts: the row may be somebody else's, on its way again.
                    guard outcome.isFinal || transaction.now < leaseEnd else { return }
                    guard try transaction.sends.record(send.id, outcome, retry: retry) else { return }
                    // What a network says of an account is nothing about an address.
                    guard send.details.channel == nil else { return }
                    guard let words = try Self.lastRefusal(outcome, of: send, in: transaction),
                        let failure = AddressState.Failure(reply: words, send: send.id)
                    else { return }
                    guard let because = try transaction.addresses.take(failure, address: send.recipient).because else { return }
                    try transaction.reasons.add(
                        Reason(at: transaction.now, about: .send, subject: send.id.rawValue, decision: "address", text: because))
                }
            }
        } catch is CancellationError {
        } catch {
            log(row, "The outcome of a send could not be stored; its lease will end and the ledger's rules decide.", error)
        }
    }

    /// The other side's words when nobody tries any more: a refusal for good, or the last of too many temporary ones.
    private static func lastRefusal(_ outcome: DeliveryOutcome, of send: Send, in transaction: Transaction) throws -> String? {
        switch outcome {
        case .rejected(let words): words
        case .deferred(_, let words): try transaction.sends.get(send.id)?.state == .rejected ? words : nil
        case .accepted, .uncertain: nil
        }
    }

    /// Outlasts a short trouble of the database, for as long as the row is ours.
    func patiently<T: Sendable>(_ row: Claimed, _ body: @Sendable (Store) async throws -> T) async throws -> T {
        var schedule = PollSchedule(interval: .milliseconds(100), longestWait: .seconds(10))
        while true {
            do {
                return try await body(store)
            } catch let error as StoreError where error.isTemporary {
                guard store.time.now() < row.at + settings.lease else { throw error }
                let wait = schedule.nextWait
                schedule.recordFailure()
                logger.warning("The send ledger does not answer.", metadata: ["error": "\(error)", "retry_in": "\(wait)"])
                try await Task.sleep(for: wait)
            }
        }
    }

    func log(_ row: Claimed, _ message: Logger.Message, _ error: any Error) {
        logger.error(message, metadata: ["send": "\(row.send.key)", "error": "\(error)"])
    }
}

extension DeliveryOutcome {
    /// The other side's last word on the message.
    fileprivate var isFinal: Bool {
        switch self {
        case .accepted, .rejected: true
        case .deferred, .uncertain: false
        }
    }
}

/// What the ledger said when the final dot was due.
private final class Ownership: Sendable {
    let isLost = Mutex(false)
}
