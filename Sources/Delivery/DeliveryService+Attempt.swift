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

    func attempt(_ row: Claimed, lane: Lane?, connection: inout Lane.Connection?) async {
        let send = row.send
        let now = store.time.now()
        if row.at + settings.lease - now < min(Self.leaseNeeded, settings.lease / 2) {  // a slow connection before this one
            await record(row, .deferred(after: .zero, "waited too long for a free connection"))
            return
        }
        do {
            let isKnown = lane != nil
            let (held, verdict) = try await patiently(row) { store in
                try await store.read { (try DeliveryGate.heldReason(in: $0), try Verdict.on(send, senderIsKnown: isKnown, in: $0)) }
            }
            if held != nil {
                try await patiently(row) { store in _ = try await store.write { try $0.sends.unclaim(send.id, owner: row.owner) } }
                return
            }
            guard verdict == .send, let lane else { return try await settle(row, verdict) }
            let composer = Composer(
                layouts: layouts, publicURL: settings.publicURL, replyTo: settings.replyTo, signer: store.signer, templates: templates)
            let mail: Composer.Composed
            do throws(ComposeError) {
                mail = try composer.compose(send, from: lane.sender, now: now)
            } catch {
                return try await settle(row, .hold(error.description))
            }
            if let folder = lane.folder {
                await deliver(mail, row, into: folder)
            } else {
                await deliver(mail, row, lane: lane, connection: &connection)
            }
        } catch is CancellationError {
        } catch {
            log(row, "A send could not be settled; its lease will end and it is tried again.", error)
        }
    }

    private func settle(_ row: Claimed, _ verdict: Verdict) async throws {
        let id = row.send.id
        try await patiently(row) { store in
            switch verdict {
            case .send: break
            case .skip(let reason): _ = try await store.write { try $0.sends.skip(id, reason: reason) }
            case .hold(let reason): _ = try await store.write { try $0.sends.hold(id, reason: reason) }
            }
        }
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

    private func deliver(_ mail: Composer.Composed, _ row: Claimed, lane: Lane, connection: inout Lane.Connection?) async {
        let wait = settings.retry.wait(afterAttempt: row.send.attempts)
        for mayTryAgain in [true, false] {
            let isReused = connection != nil
            if connection == nil {
                if let closed = lane.closed(at: store.time.now()) {
                    return await record(row, .deferred(after: max(wait, closed.wait), closed.reason))
                }
                do {
                    connection = try await connect(lane)
                    lane.wasReached()
                } catch {
                    if Task.isCancelled { return }
                    let pause = lane.wasNotReached(because: "\(error)", at: store.time.now())
                    logger.warning(
                        "A sender cannot be reached.",
                        metadata: ["sender": "\(lane.sender.name)", "error": "\(error)", "retry_in": "\(pause)"])
                    return await record(row, .deferred(after: max(wait, pause), "\(error)"))
                }
            }
            guard var open = connection else { return }
            let (result, isOurs) = await send(mail, row, over: open.client)
            open.mails += 1
            if result.connectionUsable, open.mails < Lane.mailsPerConnectionMax {
                connection = open
            } else {
                connection = nil
                await open.client.quit()
            }
            guard isOurs else { return }
            // A server may have closed a connection that lay idle; nothing was said about this mail yet.
            if mayTryAgain, isReused, !result.connectionUsable, !result.finalDotSent, result.recipients.isEmpty, !Task.isCancelled {
                continue
            }
            if case .deferred(_, let words) = result.outcome { return await record(row, .deferred(after: wait, words)) }
            return await record(row, result.outcome)
        }
    }

    private func connect(_ lane: Lane) async throws -> Lane.Connection {
        let sender = lane.sender
        let endpoint = LineEndpoint(
            sender.url, user: sender.user, password: sender.password, accessToken: sender.accessToken, tls: sender.tls, helo: sender.helo)
        let client = try await SMTPClient.connect(endpoint, on: loop, logger: logger)
        return Lane.Connection(client: client, idleSince: store.time.now())
    }

    /// - Returns: what became of it, and whether the row was still ours when the dot was due; if not, its new owner writes the outcome.
    private func send(_ mail: Composer.Composed, _ row: Claimed, over client: SMTPClient) async -> (result: SMTPResult, isOurs: Bool) {
        let store = store
        let id = row.send.id
        let ownership = Ownership()
        let result = await withTaskGroup(of: SMTPResult?.self) { group in
            group.addTask {
                await client.send(from: mail.from, to: [mail.to], bytes: mail.bytes) {
                    // Only after this commit may the dot leave: from then on the ledger knows that the mail may have been taken.
                    let isOurs = try await store.write { try $0.sends.handOver(id, messageID: mail.messageID, owner: row.owner) }
                    ownership.isLost.withLock { $0 = !isOurs }
                    return isOurs
                }
            }
            group.addTask {
                try? await Task.sleep(for: Self.attemptMax)
                return nil
            }
            var result: SMTPResult?
            while result == nil, let next = await group.next() {
                result = next
                group.cancelAll()
            }
            return result
        }
        let unsent = SMTPResult(
            outcome: .deferred(after: .zero, "the attempt was not begun"), recipients: [], finalDotSent: false, connectionUsable: false)
        return (result ?? unsent, !ownership.isLost.withLock { $0 })
    }

    // MARK: The ledger

    /// Stores what became of the attempt. An address the other side calls dead gets no more mail from journeys.
    func record(_ row: Claimed, _ outcome: DeliveryOutcome) async {
        let send = row.send
        let retry = settings.retry
        let leaseEnd = row.at + settings.lease
        do {
            try await patiently(row) { store in
                try await store.write { transaction in
                    // Past the lease only a last word counts: the row may be somebody else's, on its way again.
                    guard outcome.isFinal || transaction.now < leaseEnd else { return }
                    guard try transaction.sends.record(send.id, outcome, retry: retry) else { return }
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
    private func patiently<T: Sendable>(_ row: Claimed, _ body: @Sendable (Store) async throws -> T) async throws -> T {
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

    private func log(_ row: Claimed, _ message: Logger.Message, _ error: any Error) {
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
