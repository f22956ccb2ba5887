import Domain
import Store

/// The signs, one by one, strongest first.
extension Threading {
    /// What a mail's own envelope and its header say about where it was sent to.
    private static let addressFields: Set<String> = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To"]
    /// What a report says about the message it is about (RFC 3464 §2.2.1, RFC 5965 §3.2).
    private static let reportFields: Set<String> = [
        "Original-Envelope-Id", "Original-Message-ID", "Original-Message-Id", "Original-Return-Path", "Original-Mail-From",
    ]

    func byAddress(_ search: inout Search) throws -> [Clue] {
        var addresses = search.message.fields.filter { Self.addressFields.contains($0.name) }.map(\.value)
        addresses += search.message.recipients
        return try addresses.lazy.filter { $0.contains("+") }.prefix(Self.referencesMax).flatMap { address in
            var marks = signer.marks(in: address)
            if let id = signer.verifyReturnPath(address) { marks.append((kind: "s", id: id)) }
            return try marks.compactMap { try clue(sendTicket($0), "it was sent to \(address), which only our mail names") }
        }
    }

    func byOwnIDs(_ search: inout Search) throws -> [Clue] {
        try Self.ids(search.message).compactMap { header, id in
            try clue(sendTicket(signer.verifyMessageID(id)), "\(header) has our own signed id <\(id)>")
        }
    }

    func byReport(_ search: inout Search) throws -> [Clue] {
        try search.message.fields.filter { Self.reportFields.contains($0.name) }.prefix(Self.referencesMax).flatMap { field in
            var marks = signer.marks(in: field.value)
            if let id = signer.verifyReturnPath(field.value) { marks.append((kind: "s", id: id)) }
            let because = "it is about the mail we sent as \(field.value) (\(field.name))"
            let own = try marks.compactMap { try clue(sendTicket($0), because) }
            guard own.isEmpty, marks.isEmpty else { return own }
            let id = String(field.value.drop { $0 == "<" || $0 == " " }.prefix { $0 != ">" && $0 != " " })
            let known = try transaction.messageIDs.find(id, account: search.message.account)
            return try clue(known?.ticket, "it is about <\(id)>, which is known in \(search.message.account)").map { [$0] } ?? []
        }
    }

    func byKnownIDs(_ search: inout Search) throws -> [Clue] {
        let message = search.message
        var clues: [Clue] = []
        for (header, id) in Self.ids(message) {
            guard let known = try transaction.messageIDs.find(id, account: message.account), known.interaction != nil else { continue }
            let because = "\(header) <\(id)> is known in \(message.account)"
            if let clue = try clue(known.ticket, because) { clues.append(clue) }
        }
        guard let own = message.messageID, let known = try transaction.messageIDs.find(own, account: message.account),
            known.interaction != message.id
        else { return clues }
        if known.interaction == nil {
            if let clue = try clue(known.ticket, "an answer to its own id <\(own)> came before it") { clues.append(clue) }
        } else if let clue = try clue(known.ticket, "another message with its id <\(own)> is there already"),
            try takesPart(search, in: clue.ticket)
        {  // programs that number from 1 again give one id to different people's mails
            clues.append(clue)
        }
        return clues
    }

    func byUnseenIDs(_ search: inout Search) throws -> [Clue] {
        let message = search.message
        guard !search.isForward else { return [] }
        var clues: [Clue] = []
        for (header, id) in Self.ids(message) {
            guard let known = try transaction.messageIDs.find(id, account: message.account), known.interaction == nil else { continue }
            let because = "\(header) <\(id)> is known in \(message.account)"
            guard let clue = try clue(known.ticket, because), !clues.contains(where: { $0.ticket.id == clue.ticket.id }) else { continue }
            if try message.nature != .human || knowsSomebody(search, in: clue.ticket) {
                clues.append(clue)
            } else {
                let who = message.author.displayName
                search.refuse(
                    clue.ticket, "\(header) <\(id)> is mentioned in #\(clue.ticket.number), but \(who) has to do with nobody there")
            }
        }
        return clues
    }

    func byConversation(_ search: inout Search) throws -> [Clue] {
        let message = search.message
        guard !search.isForward, let conversation = ConversationID(message), conversation.isAnswer,
            let known = try transaction.messageIDs.find(conversation.key, account: message.account),
            let clue = try clue(known.ticket, "\(conversation.name) says it is the same conversation"),
            try knowsSomebody(search, in: clue.ticket)
        else { return [] }
        return [clue]
    }

    func byText(_ search: inout Search) throws -> [Clue] {
        let message = search.message
        guard message.kind == .mail else { return [] }
        for mark in signer.marks(in: message.body) + (message.html.map(signer.marks(in:)) ?? []) {
            guard
                let clue = try clue(sendTicket(mark), "its text quotes the mark of our answer \(signer.mark(kind: mark.kind, id: mark.id))")
            else { continue }
            // A forwarded answer may be the beginning of somebody else's matter.
            guard try !search.isForward || takesPart(search, in: clue.ticket) else {
                search.refuse(
                    clue.ticket, "it forwards our answer in #\(clue.ticket.number), in which \(message.author.displayName) takes no part")
                continue
            }
            return [clue]
        }
        return []
    }

    func byNumber(_ search: inout Search) throws -> [Clue] {
        var clues: [Clue] = []
        let who = search.message.author.displayName
        for number in SubjectLine.numbers(search.message.subject) {
            guard let named = try transaction.tickets.get(number: number),
                let clue = try clue(named.id, "the subject names #\(number) and \(who) takes part in it")
            else { continue }
            if try takesPart(search, in: clue.ticket) {
                clues.append(clue)
            } else {
                search.refuse(clue.ticket, "the subject names #\(number), in which \(who) takes no part")
            }
        }
        return clues
    }

    func bySubject(_ search: inout Search) throws -> [Clue] {
        let message = search.message
        guard message.kind == .mail, SubjectLine.mark(message.subject) == .reply else { return [] }
        let key = Tickets.subjectKey(message.subject)
        guard !key.isEmpty else { return [] }
        let when = min(message.occurredAt, transaction.now)
        let since = when - settings.subjectJoinsWithin
        func isRecent(_ ticket: Ticket) -> Bool {
            // A ticket's activity is when mail arrived here; in an old mailbox the mails' own dates can lie years apart.
            let latest = [ticket.lastInboundAt, ticket.lastOutboundAt].compactMap { $0 }.max() ?? ticket.updatedAt
            return latest >= since && latest - settings.subjectJoinsWithin <= when
        }
        let count = settings.subjectJoinsWithin.components.seconds / 86_400
        let days = count == 1 ? "1 day" : "\(count) days"
        if let customer = search.customer, let ticket = try transaction.tickets.recent(customer: customer, subjectKey: key, since: since),
            isRecent(ticket)
        {
            let because = "a reply by the same customer with the same subject within \(days)"
            return [Clue(ticket: ticket, origin: ticket.id, because: because)]
        }
        for ticket in try transaction.tickets.recent(subjectKey: key, since: since, limit: Self.sameSubjectMax) where isRecent(ticket) {
            guard ticket.account == message.account, try takesPart(search, in: ticket) else { continue }
            let because = "a reply by \(message.author.displayName), who takes part, with the same subject within \(days)"
            return [Clue(ticket: ticket, origin: ticket.id, because: because)]
        }
        return []
    }

    /// What it answers, then what came before that, newest first.
    static func ids(_ message: Interaction) -> [(header: String, id: String)] {
        message.inReplyTo.prefix(referencesMax).map { ("In-Reply-To", $0) }
            + message.references.suffix(referencesMax).reversed().map { ("References", $0) }
    }
}

/// What a mail program itself calls the conversation.
struct ConversationID: Equatable {
    /// The header's name, for people.
    let name: String
    /// As it is remembered beside Message-IDs; none of those holds a space.
    let key: String
    /// Whether the header says that the mail answers another one. Gmail's does not say.
    let isAnswer: Bool

    /// Outlook's Thread-Index begins with 22 bytes that all mails of a conversation share; each answer adds five (MS-OXOMSG §2.2.1.3).
    private static let rootBytes = 22
    private static let replyBytes = 5
    private static let longest = 1000

    init?(_ message: Interaction) {
        guard message.kind == .mail else { return nil }
        for field in message.fields where field.value.utf8.count <= Self.longest {
            let value = field.value.trimmed
            switch field.name.lowercased() {
            case "x-gm-thrid":
                guard !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { continue }
                (name, key, isAnswer) = ("X-GM-THRID", "x-gm-thrid \(value)", true)
                return
            case "thread-index":
                let digits = value.utf8.filter { $0 > 0x20 && $0 != UInt8(ascii: "=") }
                guard digits.allSatisfy(Self.isBase64), digits.count * 3 / 4 >= Self.rootBytes else { continue }
                // 29 base64 digits hold 21 bytes and six bits: the part every mail of the conversation has in common.
                let root = String(decoding: digits.prefix(29), as: UTF8.self)
                let more = digits.count * 3 / 4 - Self.rootBytes
                (name, key, isAnswer) = ("Thread-Index", "thread-index \(root)", more >= Self.replyBytes)
                return
            default: continue
            }
        }
        return nil
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2B || byte == 0x2F
    }
}

/// What stands behind the @.
enum MailDomain {
    /// Everybody may have an address there: it says nothing about who belongs together.
    private static let shared: Set<String> = [
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "yahoo.co.jp", "yahoo.co.uk",
        "ymail.com", "aol.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "gmx.de", "gmx.net", "gmx.com", "gmx.at",
        "web.de", "t-online.de", "freenet.de", "mail.ru", "bk.ru", "inbox.ru", "list.ru", "yandex.ru", "yandex.com", "rambler.ru", "qq.com",
        "foxmail.com", "163.com", "126.com", "yeah.net", "sina.com", "sina.cn", "sohu.com", "139.com", "189.cn", "aliyun.com", "wo.cn",
        "naver.com", "daum.net", "hanmail.net", "orange.fr", "free.fr", "laposte.net", "wanadoo.fr", "sfr.fr", "libero.it", "virgilio.it",
        "tin.it", "hotmail.fr", "hotmail.it", "hotmail.de", "hotmail.co.uk", "outlook.de", "outlook.fr", "live.fr", "uol.com.br",
        "bol.com.br", "terra.com.br", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "seznam.cz", "centrum.cz", "btinternet.com", "sky.com",
        "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "cox.net", "bigpond.com", "shaw.ca", "rogers.com", "zoho.com",
        "fastmail.com",
        "hey.com", "tutanota.com", "tuta.io", "mail.com", "docomo.ne.jp", "ezweb.ne.jp", "softbank.ne.jp", "hinet.net", "yahoo.com.tw",
        "yahoo.com.hk", "yahoo.fr", "yahoo.de", "yahoo.it", "yahoo.es", "yahoo.in", "rediffmail.com",
    ]

    static func of(_ address: String) -> String? {
        guard let at = address.lastIndex(of: "@") else { return nil }
        let domain = address[address.index(after: at)...].lowercased()
        return domain.isEmpty ? nil : domain
    }

    static func isShared(_ domain: String) -> Bool { shared.contains(domain) }
}
