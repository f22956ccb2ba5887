import Domain

// Who did not get it, and why: from the status part, the header and the words, each filling what the others leave open.
extension ReportReader {
    func recipients() -> [MachineReport.Recipient] {
        let mentions = notice.mentions(senders: senders)
        let groups = statusParts.flatMap { part in part.recipients.map { (group: $0, message: part.message) } }
        var found: [MachineReport.Recipient] = []
        if !groups.isEmpty {
            let free = groups.count == 1 ? mentions.first : nil
            found = groups.enumerated().compactMap { index, entry in
                let other = groups.count == mentions.count ? mentions[index] : free
                return fromStatus(entry.group, mentions, other: other, isOnly: groups.count == 1)
            }
        } else {
            found = fromText(mentions)
        }
        return unique(found)
    }

    private func unique(_ all: [MachineReport.Recipient]) -> [MachineReport.Recipient] {
        var seen: Set<String> = []
        return Array(all.filter { seen.insert(ASCII.lowercased($0.address)).inserted }.prefix(MachineReport.recipientsMax))
    }

    // MARK: RFC 3464

    private func fromStatus(
        _ group: StatusFields.Group, _ mentions: [Notice.Mention], other: Notice.Mention?, isOnly: Bool
    ) -> MachineReport.Recipient? {
        let final: String? = group.address("final-recipient") ?? group.address("x-actual-recipient")
        let named: String? = group.address("original-recipient") ?? final ?? other?.address
        let quoted: String? = isOnly ? original.to.first : nil
        guard let address = named ?? quoted else { return nil }
        let mention =
            mentions.first {
                ASCII.equalsIgnoringCase($0.address, address) || ASCII.equalsIgnoringCase($0.address, final ?? address)
            } ?? other
        let diagnostic = group.typed("diagnostic-code")
        let isProgram = diagnostic?.type == "x-unix"
        let (status, comment) = group.status
        var words = diagnostic?.value ?? ""
        // Only a number, or nothing: the sentence about it stands in the text.
        if !Self.hasWords(words) {
            let around: String = mention?.words ?? (isOnly ? notice.text : "")
            let more = Self.hasWords(around) ? around : comment
            words = words.isEmpty ? more : words + " " + more
            if words.isEmpty, isOnly { words = notice.text }
        }
        if let more = group["x400-supplementary-info"] { words += " " + more }
        return make(
            address: address, final: final, words: words, stated: status, action: group.action ?? textAction,
            host: Self.host(group.typed("remote-mta")?.value), isProgram: isProgram, isOnly: isOnly,
            isStated: Self.hasWords(diagnostic?.value ?? ""),
            around: mention?.words ?? "", category: group["x-powermta-bouncecategory"])
    }

    // MARK: Free text

    private func fromText(_ mentions: [Notice.Mention]) -> [MachineReport.Recipient] {
        let failed = mail.headers("X-Failed-Recipients").flatMap { AddressScan.all($0).map(\.address) }
        var entries: [(address: String, words: String)] = mentions.map { ($0.address, $0.words) }
        if !failed.isEmpty {
            entries = failed.map { address in
                (address, mentions.first { ASCII.equalsIgnoringCase($0.address, address) }?.words ?? (failed.count == 1 ? notice.text : ""))
            }
        }
        return made(entries)
    }

    /// Whom a notice must mean that names nobody.
    func unnamed() -> [MachineReport.Recipient] { made(fallback.map { ($0, notice.text) }) }

    private func made(_ entries: [(address: String, words: String)]) -> [MachineReport.Recipient] {
        let isOnly = entries.count == 1
        return entries.map { entry in
            // One address: everything the notice says is about it. Several with no words each: the same for all.
            let words = Self.hasWords(entry.words) ? entry.words : notice.text
            return make(
                address: entry.address, final: nil, words: words, stated: nil, action: textAction,
                host: String(mail.from.first?.address.split(separator: "@").last ?? ""), isProgram: false, isOnly: isOnly,
                hasOwnWords: Self.hasWords(entry.words))
        }
    }

    private static func hasWords(_ text: String) -> Bool { text.utf8.contains { ASCII.isLetter($0) || $0 >= 0x80 } }

    /// Nobody is named in the usual places: a `To:` line of the notice, a screen name beside the server's own domain.
    private var fallback: [String] {
        for line in notice.lines {
            let text = ASCII.lowercased(ASCII.trim(line))
            if text.hasPrefix("to:") || text.contains(" to: "), let found = AddressScan.all(line).last { return [found.address] }
        }
        if let domain = mail.from.first?.address.split(separator: "@").last,
            let last = notice.lines.last(where: { !ASCII.trim($0).isEmpty })
        {
            let word = ASCII.trim(last)
            let isName =
                !word.isEmpty && word.utf8.count <= 64
                && word.utf8.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || "._-".utf8.contains($0) }
            if isName { return ["\(word)@\(domain)"] }
        }
        // The quoted mail went to one person and through no list.
        if original.to.count == 1, !original.isList { return original.to }
        return []
    }

    /// What the words say about the end of it: a warning is no failure.
    private var textAction: MachineReport.Action {
        let subject = Phrases.folded(mail.subject)
        let text = Phrases.folded(notice.text, max: 4096)
        let isLate = Self.delays.contains { $0.matches(subject) || $0.matches(text) }
        return isLate ? .delayed : .failed
    }

    private static let delays = [
        "delayed", "(delay)", "this is a warning message only", "warning only", "has not yet been delivered", "not yet been delivered",
        "still being retried", "delivery attempts will continue", "will be retried", "has been postponed",
        "will continue trying", "we will continue to", "just a warning", "message still undelivered", "could not send message for past",
    ].map(Phrase.init)

    // MARK: Putting it together

    private func make(
        address: String, final: String?, words: String, stated: String?, action: MachineReport.Action, host: String, isProgram: Bool,
        isOnly: Bool,
        isStated: Bool = false, around: String = "", category: String? = nil, hasOwnWords: Bool = true
    ) -> MachineReport.Recipient {
        var said = ServerWords(words)
        var status = Self.status(said: said.status, stated: stated)
        if !around.isEmpty {
            let near = ServerWords(around)
            said.command = said.command ?? near.command
            said.code = said.code ?? near.code
        }
        if isOnly, said.code == nil || ServerWords.isVague(status) || ServerWords.isExpiry(status) || said.command == nil {
            let whole = ServerWords(notice.text)
            said.code = said.code ?? whole.code
            said.command = said.command ?? whole.command
            if said.status == nil, ServerWords.isVague(status), let more = whole.status, !ServerWords.isVague(more) { status = more }
            if ServerWords.isExpiry(status), let more = whole.status, !ServerWords.isExpiry(more), !ServerWords.isVague(more),
                more.first == "4"
            {
                status = more
            }
        }
        var facts = ReasonRules.Facts(
            words: words, status: status, code: said.code, command: said.command, action: action, host: host, isProgram: isProgram,
            context: isOnly ? notice.text : around, category: category)
        var reason = ReasonRules.reason(facts)
        if isOnly, reason == .onHold || reason == .undefined || (action == .delayed && reason == .expired) {
            // The sentence that matters may stand above the address.
            facts.words = notice.text
            let other = ReasonRules.reason(facts)
            if other != .onHold, other != .undefined { reason = other }
        } else if isOnly, !isStated, reason == .userUnknown {
            // Some put the reply of an older check below a sentence that says it better; nobody is called dead who is only locked or full.
            facts.words = notice.text
            let other = ReasonRules.reason(facts)
            if other == .suspend || other == .mailboxFull { reason = other }
        }
        if reason == .onHold, !hasOwnWords { reason = .undefined }
        return MachineReport.Recipient(
            address: address, finalAddress: final.flatMap { ASCII.equalsIgnoringCase($0, address) ? nil : $0 }, action: action,
            status: status,
            replyCode: said.code, reason: reason, words: TextTrim.snippet(words, max: MachineReport.wordsMax))
    }

    /// `mx.example.com (192.0.2.1)` → `mx.example.com`
    private static func host(_ text: String?) -> String {
        String((text ?? "").prefix { !$0.isWhitespace && $0 != "(" && $0 != "[" })
    }

    /// The server's own status says more than what the reporting program made of it; a vague one says less.
    private static func status(said: String?, stated: String?) -> String? {
        guard let said else { return stated }
        guard let stated else { return said }
        if ServerWords.isVague(said) { return stated }
        if ServerWords.isExpiry(said), !ServerWords.isVague(stated) { return stated }
        return said
    }
}
