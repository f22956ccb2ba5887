import Channels
import Domain
import Store

/// Answers over channels: the same ledger, the same leases, another wire.
extension DeliveryService {
    /// Longest wait that a source may ask for before the next try.
    static let channelWaitMax: Duration = .seconds(3600)

    /// The row was lost between claim and sending; its new owner sends it.
    private struct Lost: Error {}

    /// - Returns: what is still to be written down.
    func deliver(_ answer: Send.ChannelAnswer, _ row: Claimed, from sender: Sender) async throws -> DeliveryOutcome? {
        let (send, store) = (row.send, store)
        guard let account = sender.channel, let answerer = ChannelAnswerer(account, shelf: channels, loop: loop) else {
            try await settle(row, .hold("the channel of account \(answer.account) takes no answers"))
            return nil
        }
        let raw = try await patiently(row) { store in try await store.read { try $0.spool.raw(of: answer.answers) } }
        guard let raw else {
            try await settle(row, .hold("the message that is answered is not here any more, so nobody knows where the answer belongs"))
            return nil
        }
        let item = try await store.bytes(of: raw)
        // Stable over all tries, and short enough for every network.
        let id = "h" + String(UInt64(bitPattern: send.id.rawValue), radix: 36)
        let owner = row.owner
        let ledger = ChannelAnswerer.Ledger(
            cursor: { stream in try await store.read { try $0.accounts.cursor(answer.account, stream) } },
            keep: { stream, text in try await store.write { try $0.accounts.setCursor(answer.account, stream, text) } },
            before: {
                // Only after this commit may the answer leave: from then on the ledger knows that it may have been taken.
                guard try await store.write({ try $0.sends.handOver(send.id, messageID: id, owner: owner) }) else { throw Lost() }
            }, now: store.time.now, vault: seal?.vault(ofChannel: answer.account))
        do {
            switch try await answerer.answer(item, text: send.text ?? "", id: id, at: send.createdAt, ledger: ledger) {
            case .accepted(let sentID):
                try await accept(row, answer, sentID, answerer)
                return nil
            case .refused(let trouble): return outcome(trouble, send)
            }
        } catch is Lost {
            return nil
        }
    }

    /// The outcome, how the source will name the answer, and the next part: all or nothing.
    private func accept(_ row: Claimed, _ answer: Send.ChannelAnswer, _ sentID: String?, _ answerer: ChannelAnswerer) async throws {
        let (send, retry) = (row.send, settings.retry)
        let words = sentID.map { "\(answer.account) took it as \($0)" } ?? "\(answer.account) took it"
        try await patiently(row) { store in
            try await store.write { transaction in
                guard try transaction.sends.record(send.id, .accepted(words), retry: retry) else { return }
                if let sentID {
                    // With the next poll our own answer comes in with everybody's messages; it is known by then.
                    try transaction.spool.pass(answer.account, externalIDs: [ChannelAnswerer.mark(ofSent: sentID)])
                    try transaction.messageIDs.record(
                        answerer.messageID(of: sentID), account: answer.account, interaction: send.interaction, ticket: send.ticket)
                }
                guard let text = answer.rest.first else { return }
                var next = send
                next.id = transaction.newID()
                next.key = "\(send.key.split(separator: "#").first ?? "")#\(answer.part + 1)"
                next.text = text
                next.state = .planned
                next.attempts = 0
                (next.messageID, next.response) = (nil, nil)
                next.dueAt = transaction.now
                next.createdAt = transaction.now
                next.details.channel?.part += 1
                next.details.channel?.rest.removeFirst()
                try transaction.sends.plan(next)
            }
        }
    }

    private func outcome(_ trouble: ChannelTrouble, _ send: Send) -> DeliveryOutcome {
        let wait = min(trouble.wait ?? settings.retry.wait(afterAttempt: send.attempts), Self.channelWaitMax)
        switch trouble.fate {
        case .unknown: return .uncertain(trouble.say)
        case .notSent: return .deferred(after: wait, trouble.say)
        case .refused: break
        }
        switch trouble.remedy {
        case .backoff, .retry, .reauth, .resetCursor: return .deferred(after: wait, trouble.say)
        case .ignore, .skip: return .rejected(trouble.say)
        // What is wrong with the account can be mended, and then it goes; what is wrong with the answer cannot.
        case .stop: return [401, 403].contains(trouble.status) ? .deferred(after: wait, trouble.say) : .rejected(trouble.say)
        }
    }
}
