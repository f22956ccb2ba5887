// Who a free-text bounce speaks of. Servers put the address at the beginning of a line, behind a label, or into a sentence; in this order.
extension Notice {
    struct Mention {
        var address: String
        /// The words that belong to it; empty when the notice says one thing about all.
        var words: String
    }

    static let mentionsMax = MachineReport.recipientsMax

    /// - Parameter senders: lower-cased addresses that are not failed recipients: who wrote the mail that came back.
    func mentions(senders: Set<String>) -> [Mention] {
        let old = transcript(senders: senders)
        if !old.isEmpty { return old }
        for shape in [Shape.atLineStart, .labelled, .inSentence] {
            let found = collect(shape, senders: senders)
            if !found.isEmpty { return found }
            // Somebody who wrote to himself.
            if shape == .labelled {
                let own = collect(.atLineStart, senders: [])
                if own.count == 1, lines.count < 60, hasFailureWords { return own }
            }
        }
        return []
    }

    /// Sendmail before version 8: `554 <ana@example.com>... Remote protocol error` below the lines it is about.
    private func transcript(senders: Set<String>) -> [Mention] {
        var mentions: [Mention] = []
        var above: [String] = []
        for line in lines {
            if mentions.count >= Self.mentionsMax { break }
            if ASCII.lowercased(line).hasPrefix("while talking to") { above = [] }
            above.append(line)
            guard Self.isTranscriptLine(line), let place = Self.atStart(line), !senders.contains(ASCII.lowercased(place.address)) else {
                continue
            }
            if !mentions.contains(where: { ASCII.equalsIgnoringCase($0.address, place.address) }) {
                mentions.append(Mention(address: place.address, words: above.joined(separator: "\n")))
            }
            above = []
        }
        return mentions
    }

    /// `NNN <…>... …`
    private static func isTranscriptLine(_ line: String) -> Bool {
        let bytes = Array(line.utf8.prefix(5))
        return bytes.count == 5 && bytes[..<3].allSatisfy(ASCII.isDigit) && bytes[3] == ASCII.space && bytes[4] == 0x3C
            && line.contains(">... ")
    }

    private enum Shape { case atLineStart, labelled, inSentence }

    private var hasFailureWords: Bool {
        let text = Phrases.folded(text)
        return ["failed", "undeliver", "could not be delivered", "unable to deliver", "wasn't able to deliver"].contains {
            Phrases.find($0, in: text) != nil
        }
    }

    private func collect(_ shape: Shape, senders: Set<String>) -> [Mention] {
        var mentions: [Mention] = []
        var current: Int?
        var isAfterSender = false
        var last = ""
        for line in lines {
            if mentions.count >= Self.mentionsMax { break }
            let place: (address: String, rest: String)? =
                switch shape {
                case .atLineStart: isAfterSender ? nil : Self.atStart(line)
                case .labelled: Self.labelled(line)
                case .inSentence: Self.inSentence(line)
                }
            // `(expanded from: <…>)` is the address that was written to.
            if shape == .atLineStart, current != nil, let from = Self.expandedFrom(line),
                !mentions.contains(where: { ASCII.equalsIgnoringCase($0.address, from) })
            {
                mentions.append(Mention(address: from, words: mentions[current!].words))
            }
            if let place, !senders.contains(ASCII.lowercased(place.address)) {
                if let known = mentions.firstIndex(where: { ASCII.equalsIgnoringCase($0.address, place.address) }) {
                    mentions[known].words += "\n" + line
                    current = known
                } else {
                    let hasOwn = place.rest.utf8.contains { ASCII.isLetter($0) || $0 >= 0x80 }
                    mentions.append(
                        Mention(
                            address: place.address, words: hasOwn ? place.rest : shape == .atLineStart ? Self.reason(above: line, last) : ""
                        ))
                    current = mentions.count - 1
                }
            } else if let current, !Self.isSectionEnd(line) {
                mentions[current].words += "\n" + line
            } else if Self.isSectionEnd(line) {
                current = nil
            }
            last = line
            let end = ASCII.lowercased(ASCII.trim(line))
            if !end.isEmpty { isAfterSender = end.hasSuffix("sent by") || end.hasSuffix("from:") || end.hasSuffix("sender:") }
        }
        return mentions
    }

    /// The line right above an address, when it is a reason and no heading: Notes writes it there.
    private static func reason(above line: String, _ last: String) -> String {
        let text = ASCII.trim(last)
        return text.isEmpty || text.hasSuffix(":") || text.hasSuffix("-") || text.hasSuffix("/") || !AddressScan.all(text).isEmpty
            || text.hasSuffix("：") ? "" : text
    }

    private static func expandedFrom(_ line: String) -> String? {
        guard ASCII.lowercased(ASCII.trim(line)).hasPrefix("(expanded from") else { return nil }
        return AddressScan.all(line).first?.address
    }

    private static func isSectionEnd(_ line: String) -> Bool {
        let text = ASCII.lowercased(line)
        return text.contains("transcript of session follows") || text.contains("transcript of the session")
    }

    /// `<ana@example.com>: …`, ` * ana@example.com`, `"ana@example.com":`, `554 <ana@example.com>... …`
    static func atStart(_ line: String) -> (address: String, rest: String)? {
        let bytes = Array(line.utf8.prefix(AddressScan.lineBytesMax))
        var start = 0
        while start < bytes.count, ASCII.isSpace(bytes[start]) || "*>-=•".utf8.contains(bytes[start]) { start += 1 }
        // A reply code before it, as very old Sendmail writes.
        if bytes.count - start > 5, bytes[start..<(start + 3)].allSatisfy(ASCII.isDigit), bytes[start + 3] == ASCII.space,
            bytes[start + 4] == 0x3C
        {
            start += 4
        }
        guard let first = AddressScan.all(line).first, first.range.lowerBound == start else { return nil }
        var rest = Array(bytes[min(first.range.upperBound, bytes.count)...])
        // `ana@example.com,` of a list in a sentence is no line of its own.
        if rest.first == 0x2C { return nil }
        while let byte = rest.first, byte == 0x3A || ASCII.isSpace(byte) || byte == 0x3E { rest.removeFirst() }
        return (first.address, String(decoding: rest, as: UTF8.self))
    }

    /// `Recipient address: ana@example.com`
    static func labelled(_ line: String) -> (address: String, rest: String)? {
        guard let found = AddressScan.all(line).first else { return nil }
        let bytes = Array(line.utf8)
        let label = ASCII.trim(ASCII.lowercased(String(decoding: bytes[..<found.range.lowerBound], as: UTF8.self)))
        guard labels.contains(where: label.hasSuffix) else { return nil }
        return (found.address, String(decoding: bytes[min(found.range.upperBound, bytes.count)...], as: UTF8.self))
    }

    private static func inSentence(_ line: String) -> (address: String, rest: String)? {
        let text = ASCII.lowercased(line)
        guard !notRecipients.contains(where: text.contains) else { return nil }
        for found in AddressScan.all(line) {
            let before = ASCII.trim(String(decoding: Array(text.utf8)[..<found.range.lowerBound], as: UTF8.self))
            guard sentenceWords.contains(where: { before.contains($0) || text.contains($0) }) else { continue }
            return (found.address, line)
        }
        return nil
    }

    /// Before the address, at the end of what stands there.
    private static let labels = [
        "recipient address:", "original address:", "undeliverable to", "unknown user:", "attempts:", "delivery userid:", "allowed size:",
        "intended recipient:",
        "undeliverable address:", "failed recipient:", "error-for:", "recipient:", "recipient: [smtp:", "could not be delivered to:",
        "addressed to:", "delivering your mail to", "your message to",
        "addressed to '", "addressed to", "unable to deliver message to", "mailbox is full:", "smtp=", "following recipient:",
        "following recipients:", "account:", "mailbox:", "user:", "address:", "to user",
        "rejected recipient", "email address :", "e-mail address:", "收件人：", "收件人:", "收信人：", "收信人:", "address: <",
        "did not reach the following recipient:", "your message to:", "status: error, address:", "rcpt to:",
        "local mailbox", "gateway for", "quota violation for", "deliver your message to", "originally addressed to", "generated from",
        "your mail to", "your message for", "sent to", "mail to", "the following address:", "(to:",
    ]
    private static let sentenceWords = [
        "deliver", "recipient", "mailbox", "unknown", "rejected", "undeliver", "failed", "not exist", "no such", "quota", "no longer",
        "generated from", "addressed to", "user", "invalid", "list", "退信", "投递", "收件人", "无法",
    ]
    /// Lines that name others.
    private static let notRecipients = [
        "contact", "postmaster", "questions", "for assistance", "mail from", "envelope-from", "sender:", "from:", "reply-to", "for help",
        "support", "message-id", "x-", "reply to", "please send", "http://", "https://",
    ]
}
