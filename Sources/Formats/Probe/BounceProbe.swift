import Domain

/// How a machine's report would be understood, for `hongyan probe bounce`. The code is the one that reads mail as it comes in.
public enum BounceProbe {
    static let mailsMax = 1000

    /// The uniform object of the test kit without its `id`. `hard` is a dead address; `permanent` a final failure, whatever its cause.
    /// - Throws: `MailError`. A mailbox file gives the recipients of all its mails.
    public static func result(_ bytes: [UInt8]) throws -> JSONValue {
        let reports = try mails(bytes).map { MachineReport.read(try MailParser.parse($0)) }
        guard let first = reports.lazy.compactMap({ $0 }).first else {
            return .object([JSONValue.Member("class", .string("none")), JSONValue.Member("bounces", .array([]))])
        }
        let bounces = reports.compactMap { $0 }.filter { $0.kind != .receipt }.flatMap { report in report.recipients.map(bounce) }
        return .object([
            JSONValue.Member("class", .string(name(first.kind))), JSONValue.Member("bounces", .array(bounces)),
            JSONValue.Member("bounces_count", .number("\(bounces.count)")), JSONValue.Member("message_id", text(first.original.messageID)),
            JSONValue.Member("envelope_id", text(first.original.envelopeID)), JSONValue.Member("evidence", .string(first.evidence)),
        ])
    }

    /// For people.
    public static func page(_ bytes: [UInt8]) throws -> String {
        guard let report = MachineReport.read(try MailParser.parse(bytes)) else { return "No machine reports anything here.\n" }
        var lines = ["\(report.kind.rawValue): \(report.evidence)", ""]
        for one in report.recipients {
            lines.append(one.address.isEmpty ? "(nobody is named)" : one.address)
            let codes = [one.replyCode.map { "\($0)" }, one.status, one.feedbackType].compactMap { $0 }.joined(separator: " ")
            let dead = one.isDead ? ", the address is dead" : ""
            lines.append("  \(one.action.rawValue), \(one.reason.rawValue)\(dead)\(codes.isEmpty ? "" : " (\(codes))")")
            if let new = one.newAddress { lines.append("  new address: \(new)") }
            if !one.words.isEmpty { lines.append("  \(one.words)") }
        }
        lines.append("")
        lines.append("about the mail \(report.original.messageID.map { "<\($0)>" } ?? "(no Message-ID is quoted)")")
        if let from = report.original.from { lines.append("  from \(from) to \(report.original.to.joined(separator: ", "))") }
        if let subject = report.original.subject { lines.append("  \(subject)") }
        if let id = report.original.envelopeID { lines.append("  envelope id \(id)") }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func name(_ kind: MachineReport.Kind) -> String {
        switch kind {
        case .bounce: "bounce"
        case .complaint: "feedback"
        case .autoReply, .outOfOffice, .addressChanged: "vacation"
        case .receipt: "none"
        case .challenge: "challenge"
        }
    }

    private static func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }

    private static func bounce(_ one: MachineReport.Recipient) -> JSONValue {
        let hasStatus = one.action == .failed || one.action == .delayed || one.action == .delivered
        return .object([
            JSONValue.Member("recipient", .string(one.address)), JSONValue.Member("action", .string(one.action.rawValue)),
            JSONValue.Member("status", hasStatus ? .string(one.status ?? derivedStatus(one)) : .null),
            JSONValue.Member("replycode", one.replyCode.map { .number("\($0)") } ?? .null),
            JSONValue.Member("reason", .string(one.reason.rawValue)),
            JSONValue.Member("hard", .bool(one.isDead)), JSONValue.Member("permanent", .bool(one.isPermanent)),
            JSONValue.Member("feedback_type", text(one.feedbackType)),
        ])
    }

    /// Where nobody stated a status, the class that the report implies and a detail of the 9xx range, which RFC 3463 leaves unassigned; the
    /// numbers are those that bounce corpora use for our reasons.
    static func derivedStatus(_ one: MachineReport.Recipient) -> String {
        let words = ASCII.lowercased(one.words)
        // "Retry timeout exceeded" alone: the last try failed for now, and then time ran out.
        let ranOut = words.contains("retry timeout exceeded") && !words.contains("delivery retry timeout exceeded")
        let isTemporary = one.action == .delayed || one.replyCode.map { $0 / 100 == 4 } == true || ranOut
        return "\(isTemporary ? 4 : 5).0.\(details[one.reason] ?? 900)"
    }

    private static let details: [BounceReason: Int] = [
        .userUnknown: 911, .hostUnknown: 912, .hasMoved: 916, .notAccept: 932, .mailboxFull: 922, .suspend: 921, .filtered: 910,
        .messageTooBig: 934, .exceedLimit: 923, .contentError: 960, .notCompliantRFC: 974, .virusDetected: 970, .spamDetected: 980,
        .rejected: 918,
        .blocked: 971, .badReputation: 975, .requirePTR: 973, .authFailure: 972, .policyViolation: 913, .securityError: 970,
        .noRelaying: 909,
        .tooManyConnections: 945, .expired: 947, .networkError: 944, .systemError: 930, .systemFull: 931, .mailerError: 939,
        .syntaxError: 902,
        .onHold: 901, .undefined: 900,
    ]

    /// The mails of a mailbox file (RFC 4155); one mail as it is.
    private static func mails(_ bytes: [UInt8]) -> [[UInt8]] {
        let from = Array("From ".utf8)
        guard bytes.starts(with: from) else { return [bytes] }
        var starts = [0]
        var i = 0
        while let at = ASCII.find("\n\nFrom ", in: bytes, from: i) ?? ASCII.find("\n\r\nFrom ", in: bytes, from: i), starts.count < mailsMax
        {
            i = at + 2
            let line = bytes[i...].drop { $0 == ASCII.lf || $0 == ASCII.cr }.prefix { $0 != ASCII.lf }
            // An envelope line ends in a year.
            let year = ASCII.trim(line).suffix(4)
            if year.count == 4, year.allSatisfy(ASCII.isDigit) { starts.append(line.startIndex) }
        }
        return starts.enumerated().map { index, start in Array(bytes[start..<(index + 1 < starts.count ? starts[index + 1] : bytes.count)])
        }
    }
}
