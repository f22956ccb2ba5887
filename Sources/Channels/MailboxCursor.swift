import Domain
import Formats
import Transport

/// Where reading a mailbox folder stopped. Pure.
struct MailboxCursor: Equatable {
    var uidValidity: UInt32
    /// Highest UID looked at.
    var last: UInt32
    /// Lowest UID the account wants; what is below was there before it began.
    var first: UInt32 = 1
    /// Host, port and login, as a hash: another mailbox under the same account name starts afresh.
    var mailbox: String
    /// Counts the mailboxes this account has been, so that equal UIDs of two of them are two mails.
    var generation: Int
    /// Microseconds; nothing older was wanted at the start, so a full sweep leaves it out as well.
    var since: Int64?

    init(uidValidity: UInt32, last: UInt32, mailbox: String, generation: Int = 0, since: Int64? = nil) {
        self.uidValidity = uidValidity
        self.last = last
        self.mailbox = mailbox
        self.generation = generation
        self.since = since
    }

    init?(_ text: String?) {
        guard let text, let json = try? JSONValue.parse(Array(text.utf8)), let validity = json["uidvalidity"].flatMap({ UInt32($0.plain) }),
            let last = json["last"].flatMap({ UInt32($0.plain) })
        else { return nil }
        uidValidity = validity
        self.last = last
        first = json["first"].flatMap { UInt32($0.plain) } ?? 1
        mailbox = json["mailbox"]?.string ?? ""
        generation = json["generation"].flatMap { Int($0.plain) } ?? 0
        since = json["since"].flatMap { Int64($0.plain) }
    }

    var text: String {
        var members: [JSONValue.Member] = [
            .init("uidvalidity", .number("\(uidValidity)")), .init("last", .number("\(last)")), .init("mailbox", .string(mailbox)),
            .init("generation", .number("\(generation)")),
        ]
        if first != 1 { members.append(.init("first", .number("\(first)"))) }
        if let since { members.append(.init("since", .number("\(since)"))) }
        return JSONValue.object(members).json
    }

    func externalID(folder: String, uid: UInt32) -> String {
        prefix(folder: folder) + "\(uid)"
    }

    /// What the external ids of all its mails begin with.
    func prefix(folder: String) -> String {
        generation == 0 ? "\(folder)/\(uidValidity)/" : "\(folder)~\(generation)/\(uidValidity)/"
    }

    /// Whether UIDs mean the same mails in both.
    func isSameNumbering(as other: MailboxCursor) -> Bool {
        uidValidity == other.uidValidity && generation == other.generation && mailbox == other.mailbox
    }

    /// The cursor to go on from, given what the server says of the folder now.
    /// - Returns: the same cursor; or one at zero when the UIDs mean other mails than before (RFC 3501 §2.3.1.1), so that the folder is
    ///   read again from the start and what is known is recognised by its fingerprint; or, at first, one at the place `start` asks for.
    static func next(
        _ before: MailboxCursor?, uidValidity: UInt32, uidNext: UInt32?, mailbox: String, start: Account.Start, now: Timestamp
    ) -> MailboxCursor {
        guard var cursor = before else {
            guard start == .latest else { return MailboxCursor(uidValidity: uidValidity, last: 0, mailbox: mailbox) }
            // A server that does not tell UIDNEXT gets the full search; the date keeps old mail out.
            var new = MailboxCursor(
                uidValidity: uidValidity, last: uidNext.map { max($0, 1) - 1 } ?? 0, mailbox: mailbox, since: now.microseconds)
            new.first = new.last + (new.last == .max ? 0 : 1)
            return new
        }
        if cursor.mailbox != mailbox {
            cursor.mailbox = mailbox
            cursor.generation += 1
        } else if cursor.uidValidity == uidValidity {
            // The next UID may never be one that was given before; a server that says so numbered anew and kept quiet about it.
            guard let uidNext, uidNext <= cursor.last else { return cursor }
            cursor.generation += 1
        }
        cursor.uidValidity = uidValidity
        cursor.last = 0
        cursor.first = 1
        return cursor
    }

    /// A server's clock may be off by this much, in microseconds.
    static let clockSlack: Int64 = 300_000_000

    /// Sequence set of ascending UIDs, ranges folded: `1:3,7` (RFC 3501 §9).
    static func set(_ uids: [UInt32]) -> String {
        var parts: [String] = []
        var index = 0
        while index < uids.count {
            var end = index
            while end + 1 < uids.count, uids[end + 1] == uids[end] + 1 { end += 1 }
            parts.append(end == index ? "\(uids[index])" : "\(uids[index]):\(uids[end])")
            index = end + 1
        }
        return parts.joined(separator: ",")
    }

    /// `UID SEARCH` criteria for what is new. `SINCE` compares days (RFC 3501 §6.4.4) in the server's zone, hence one day earlier.
    var search: String {
        let uids = "UID \(UInt64(last) + 1):*"
        guard last == 0, let since else { return uids }
        let day = CivilDate(daysSince1970: Int(since / 86_400_000_000) - 1)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(uids) SINCE \(day.day)-\(months[day.month - 1])-\(day.year)"
    }
}

/// Splits new mails into batches that fit a budget. Pure.
enum FetchPlan {
    static let batchCount = 200
    /// One batch is stored while the next is fetched: two of them are in memory.
    static let batchBytes = 4 << 20
    static let sizeSlack = 16 << 20
    /// A larger mail is fetched by itself and in pieces.
    static let streamedBytesMin = 2 << 20
    static let pieceBytes = 1 << 20
    /// Of a mail that somebody asked for.
    static let wantedBytesMax = 1 << 30

    /// In the given order; a mail larger than the budget is a batch of its own. Of mails over `sizeBytesMax` only the header will come.
    static func batches(
        _ mails: [MailSummary], sizeBytesMax: Int, count: Int = batchCount, bytes: Int = batchBytes
    ) -> [[MailSummary]] {
        var batches: [[MailSummary]] = []
        var open: [MailSummary] = []
        var used = 0
        for mail in mails {
            let size = mail.sizeBytes > sizeBytesMax ? MailCut.windowBytes : mail.sizeBytes
            let isStreamed = size > streamedBytesMin
            if !open.isEmpty, open.count >= count || used + size > bytes || isStreamed {
                batches.append(open)
                open = []
                used = 0
            }
            open.append(mail)
            used += isStreamed ? bytes : size
        }
        if !open.isEmpty { batches.append(open) }
        return batches
    }
}
