import Domain

/// Notifications of a cloud mail service as JSON in a mail: bounce, complaint, delivery (the documented notification and event formats of
/// Amazon SES, alone or wrapped by its notification service).
enum CloudNotice {
    static let bytesMax = 1 << 20

    /// Whether it begins as JSON does.
    static func mayBeNotice(_ text: String) -> Bool { text.utf8.first { !ASCII.isSpace($0) } == 0x7B }

    static func read(_ text: String) -> MachineReport? {
        guard mayBeNotice(text), let outer = object(in: text) else { return nil }
        guard let notice = notice(outer), let type = (notice["notificationType"] ?? notice["eventType"])?.string else { return nil }
        var original = original(notice["mail"])
        original.envelopeID = notice["mail"]?["messageId"]?.string
        switch ASCII.lowercased(type) {
        case "bounce":
            let isTemporary = notice["bounce"]?["bounceType"]?.string.map(ASCII.lowercased) == "transient"
            let recipients = (notice["bounce"]?["bouncedRecipients"]?.array ?? []).prefix(MachineReport.recipientsMax).map {
                bounced($0, isTemporary)
            }
            return MachineReport(
                kind: .bounce, recipients: Array(recipients), original: original, evidence: "a bounce: a notification of the mail service")
        case "complaint":
            let type = notice["complaint"]?["complaintFeedbackType"]?.string ?? "abuse"
            let recipients = (notice["complaint"]?["complainedRecipients"]?.array ?? []).prefix(MachineReport.recipientsMax).map {
                MachineReport.Recipient(
                    address: $0["emailAddress"]?.string ?? "", action: .none, reason: .feedback, feedbackType: ASCII.lowercased(type))
            }
            return MachineReport(
                kind: .complaint, recipients: Array(recipients), original: original,
                evidence: "a complaint: a notification of the mail service")
        case "delivery":
            let words = notice["delivery"]?["smtpResponse"]?.string ?? ""
            let said = ServerWords(words)
            let recipients = (notice["delivery"]?["recipients"]?.array ?? []).prefix(MachineReport.recipientsMax).map {
                MachineReport.Recipient(
                    address: $0.string ?? "", action: .delivered, status: said.status, replyCode: said.code, reason: .delivered,
                    words: words)
            }
            return MachineReport(
                kind: .bounce, recipients: Array(recipients), original: original, evidence: "a delivery notice of the mail service")
        default: return nil
        }
    }

    private static func bounced(_ value: JSONValue, _ isTemporary: Bool) -> MachineReport.Recipient {
        let words = value["diagnosticCode"]?.string ?? ""
        let said = ServerWords(words)
        let stated = value["status"]?.string.flatMap { ServerWords.status($0.utf8) }
        let status = ServerWords.isVague(said.status) ? stated ?? said.status : said.status
        let reason = ReasonRules.reason(
            ReasonRules.Facts(
                words: words, status: status, code: said.code, command: said.command, action: isTemporary ? .delayed : .failed))
        return MachineReport.Recipient(
            address: value["emailAddress"]?.string ?? "", action: .failed, status: status, replyCode: said.code, reason: reason,
            words: TextTrim.snippet(words, max: MachineReport.wordsMax))
    }

    private static func original(_ mail: JSONValue?) -> MachineReport.Original {
        var original = MachineReport.Original()
        guard let mail else { return original }
        let headers = mail["commonHeaders"]
        original.messageID = headers?["messageId"]?.string.flatMap { MessageIDs.parse(Array($0.utf8)).first }
        original.subject = headers?["subject"]?.string
        original.from = mail["source"]?.string.flatMap(AddressScan.bare)
        original.to = (mail["destination"]?.array ?? []).compactMap(\.string)
        for field in (mail["headers"]?.array ?? []).prefix(MachineReport.Original.fieldsMax) {
            guard let name = field["name"]?.string, let value = field["value"]?.string else { continue }
            if ASCII.lowercased(name).hasPrefix("x-") { original.fields.append(.init(name: name, value: value)) }
            if ASCII.equalsIgnoringCase(name, "message-id"), original.messageID == nil {
                original.messageID = MessageIDs.parse(Array(value.utf8)).first
            }
        }
        return original
    }

    private static func notice(_ value: JSONValue) -> JSONValue? {
        if value["notificationType"] != nil || value["eventType"] != nil { return value }
        guard value["Type"]?.string == "Notification", let inner = value["Message"]?.string else { return nil }
        return try? JSONValue.parse(Array(inner.utf8))
    }

    /// The first JSON object of a text. Mail programs may have broken its lines, also within a string.
    private static func object(in text: String) -> JSONValue? {
        let bytes = text.utf8.prefix(bytesMax).filter { $0 != ASCII.lf && $0 != ASCII.cr }
        guard let start = bytes.first(where: { !ASCII.isSpace($0) }), start == 0x7B, let open = bytes.firstIndex(of: 0x7B) else {
            return nil
        }
        var depth = 0
        var isInString = false
        var i = open
        while i < bytes.count {
            switch bytes[i] {
            case 0x5C where isInString: i += 1
            case 0x22: isInString.toggle()
            case 0x7B where !isInString: depth += 1
            case 0x7D where !isInString:
                depth -= 1
                if depth == 0 { return try? JSONValue.parse(Array(bytes[open...i])) }
            default: break
            }
            i += 1
        }
        return nil
    }
}
