import Domain
import Formats
import Store

/// A machine's report and the marks of ours that came with it.
struct Returned: Sendable {
    /// Header fields that hold the address the report was sent to, as the servers on the way wrote it down.
    static let addressFields = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To", "To", "Cc"]
    static let tokensMax = 20

    var report: MachineReport
    /// What stands between `+` and `@` of the addresses it was sent to: VERP tokens, case kept.
    var tokens: [String]

    static func tokens(_ mail: ParsedMail) -> [String] {
        var tokens: [String] = []
        for value in addressFields.flatMap({ mail.headers($0) }) {
            for word in value.split(whereSeparator: { $0.isWhitespace || "<>,;\"".contains($0) }) {
                guard let at = word.lastIndex(of: "@"), let plus = word[..<at].firstIndex(of: "+"), tokens.count < tokensMax else {
                    continue
                }
                let token = String(word[word.index(after: plus)..<at])
                if !token.isEmpty, !tokens.contains(token) { tokens.append(token) }
            }
        }
        return tokens
    }
}

/// Finds the send that a bounce, a complaint or a delivery notice is about, and takes in what follows: what the ledger knows of the send,
/// the state of the address, the customer's consent. In the transaction that stores the report.
struct Returns {
    /// How old a mail may be that a report without any mark of ours is about: servers give up after five days.
    static let unmarkedMax = Duration.seconds(7 * 86_400)

    let transaction: Transaction
    let signer: Signer

    struct Found {
        var send: Send
        var because: String
        /// Only we can have made the mark.
        var isProven: Bool
    }

    /// The strongest mark wins: our signed Message-ID in what is quoted, our envelope id, the token in the address the report was sent to;
    /// else the last mail to that recipient.
    func find(_ returned: Returned, told message: Interaction) throws -> Found? {
        let report = returned.report
        guard report.kind == .bounce || report.kind == .complaint else { return nil }
        if let id = report.original.messageID, let send = try signed(id) {
            return Found(send: send, because: "the quoted mail has our own signed id <\(id)>", isProven: true)
        }
        if let id = report.original.envelopeID, let send = try signed(id) ?? marked(id) {
            return Found(send: send, because: "the envelope id is ours", isProven: true)
        }
        for token in returned.tokens {
            if let send = try marked(token) {
                return Found(send: send, because: "it came back to the return address of this mail", isProven: true)
            }
        }
        guard let address = report.recipients.first(where: { !$0.address.isEmpty })?.address, report.recipients.count == 1 else {
            return nil
        }
        return try last(to: address, told: message)
    }

    private func last(to address: String, told message: Interaction) throws -> Found? {
        let when = min(message.occurredAt, transaction.now)
        guard let send = try transaction.sends.last(to: address, after: when - Self.unmarkedMax, before: transaction.now) else {
            return nil
        }
        return Found(send: send, because: "it was the last mail to \(address); the report carries no mark of ours", isProven: false)
    }

    private func signed(_ id: String) throws -> Send? {
        guard let (kind, raw) = signer.verifyMessageID(id), kind == "s" else { return nil }
        return try transaction.sends.get(ID<Send>(raw))
    }

    /// A VERP token.
    private func marked(_ token: String) throws -> Send? {
        guard let id = signer.verifyToken("b", token)?.first.flatMap({ ID<Send>($0) }) else { return nil }
        return try transaction.sends.get(id)
    }

    func take(_ returned: Returned, about found: Found?, told message: Interaction) throws {
        switch returned.report.kind {
        case .bounce:
            for (index, recipient) in returned.report.recipients.enumerated() {
                try take(recipient, about: about(recipient, index, of: returned.report, found, told: message), told: message)
            }
        case .complaint:
            for (index, recipient) in returned.report.recipients.enumerated() {
                try complain(recipient, about: about(recipient, index, of: returned.report, found, told: message), told: message)
            }
        case .addressChanged:
            let new = returned.report.recipients.first?.newAddress.map { ": the new one may be \($0)" } ?? ""
            try explain(.interaction, message.id.rawValue, "address", "\(message.author.email ?? "the sender") is not read any more\(new)")
        case .autoReply, .outOfOffice, .receipt, .challenge: break
        }
    }

    /// A person wrote: whatever was temporary about the address is over.
    func heard(_ message: Interaction) throws {
        guard let email = message.author.email, try transaction.addresses.heard(from: email) else { return }
        try explain(.interaction, message.id.rawValue, "address", "\(email) works again: a person wrote from there")
    }

    /// A report about several people is about several sends, of which a mark names one: that of the same address, else of the first.
    private func about(
        _ recipient: MachineReport.Recipient, _ index: Int, of report: MachineReport, _ found: Found?, told message: Interaction
    ) throws -> Found? {
        if let found {
            let named = report.recipients.firstIndex { same(found.send.recipient, $0) } ?? 0
            if index == named { return found }
        }
        return recipient.address.isEmpty ? nil : try last(to: recipient.address, told: message)
    }

    private func same(_ address: String, _ recipient: MachineReport.Recipient) -> Bool {
        let address = address.lowercased()
        return address == recipient.address.lowercased() || address == recipient.finalAddress?.lowercased()
    }

    // MARK: Bounces

    private func take(_ recipient: MachineReport.Recipient, about found: Found?, told message: Interaction) throws {
        let said = [recipient.replyCode.map { "\($0)" }, recipient.status, recipient.words].compactMap { $0 }.filter { !$0.isEmpty }
        let words = recipient.words.isEmpty ? said.joined(separator: " ") : recipient.words
        guard let found else {
            let whom = recipient.address.isEmpty ? "nobody is named" : recipient.address
            return try explain(
                .interaction, message.id.rawValue, "bounce", "\(recipient.reason.rawValue), \(whom): no mail of ours is known for it")
        }
        let kind: SendReturn.Kind =
            switch recipient.action {
            case .delayed: .delayed
            case .delivered: .delivered
            case .failed, .none: .bounced
            }
        let send = found.send
        try transaction.returns.add(
            SendReturn(
                send: send.id, kind: kind, at: transaction.now, reason: recipient.reason, status: recipient.status, words: words,
                interaction: message.id))
        let text = "\(kind.rawValue), \(recipient.reason.rawValue)\(words.isEmpty ? "" : ": \(words)")"
        try explain(.send, send.id.rawValue, "bounce", text)
        try explain(.interaction, message.id.rawValue, "bounce", "about \(send.key) to \(send.recipient) (\(text)): \(found.because)")
        switch kind {
        case .delivered: try transaction.addresses.heard(from: send.recipient)
        case .delayed, .complained: break
        case .bounced:
            // Kept for whom we wrote to, also when it was sent on from there.
            let failure = AddressState.Failure(
                reason: recipient.reason, status: recipient.status, isPermanent: recipient.isPermanent, words: words, send: send.id,
                isProven: found.isProven)
            let address = send.recipient.isEmpty ? recipient.address : send.recipient
            if let because = try transaction.addresses.take(failure, address: address).because {
                try explain(.send, send.id.rawValue, "address", because)
            }
        }
    }

    // MARK: Complaints

    /// Reports that are no complaint of a person about us (RFC 5965 §7.3, RFC 6591).
    private static let notComplaints: Set<String> = ["not-spam", "auth-failure", "dkim", "fraud", "virus"]

    private func complain(_ recipient: MachineReport.Recipient, about found: Found?, told message: Interaction) throws {
        let type = recipient.feedbackType ?? "abuse"
        guard !Self.notComplaints.contains(type) else {
            return try explain(.interaction, message.id.rawValue, "complaint", "a report of type \(type): no complaint of a person")
        }
        let address = found?.send.recipient ?? recipient.address
        guard !address.isEmpty else {
            return try explain(
                .interaction, message.id.rawValue, "complaint", "\(type): the report hides who complains, and no mail of ours is quoted")
        }
        // Without a mark of ours a stranger could unsubscribe everybody: only whom we wrote to lately counts.
        guard let about = found else {
            return try explain(.interaction, message.id.rawValue, "complaint", "\(type) from \(address): no mail of ours is known for it")
        }
        let send = about.send
        try transaction.addresses.complain(address: address, type: type, send: send.id)
        try transaction.returns.add(
            SendReturn(
                send: send.id, kind: .complained, at: transaction.now, reason: .feedback, status: nil, words: type, interaction: message.id)
        )
        let customer = try send.customer ?? transaction.customers.find([Identity(kind: .email, value: address.lowercased())])
        if let customer { try transaction.subscriptions.unsubscribe(customer, topic: nil, source: "complaint") }
        let text = "\(address) complained (\(type)): no more marketing mail goes there"
        try explain(.send, send.id.rawValue, "complaint", text)
        try explain(.interaction, message.id.rawValue, "complaint", "about \(send.key), \(text): \(about.because)")
    }

    private func explain(_ about: Reason.About, _ subject: Int64, _ decision: String, _ text: String) throws {
        try transaction.reasons.add(Reason(at: transaction.now, about: about, subject: subject, decision: decision, text: text))
    }
}
