import Domain
import Testing
import Transport

@testable import Channels

@Suite struct MailboxCursorTests {
    static let now = Timestamp(seconds: 1_700_000_000)

    static func next(
        _ before: MailboxCursor?, validity: UInt32 = 7, uidNext: UInt32? = 43, mailbox: String = "m", start: Account.Start = .all
    )
        -> MailboxCursor
    {
        MailboxCursor.next(before, uidValidity: validity, uidNext: uidNext, mailbox: mailbox, start: start, now: now)
    }

    @Test func `a first visit starts at the first mail, or at the next one`() {
        #expect(Self.next(nil) == MailboxCursor(uidValidity: 7, last: 0, mailbox: "m"))
        var latest = MailboxCursor(uidValidity: 7, last: 42, mailbox: "m", since: 1_700_000_000_000_000)
        latest.first = 43
        #expect(Self.next(nil, start: .latest) == latest)
        #expect(MailboxCursor(latest.text) == latest)
    }

    @Test func `a known folder goes on where it stopped`() {
        let cursor = MailboxCursor(uidValidity: 7, last: 12, mailbox: "m")
        #expect(Self.next(cursor) == cursor)
        #expect(cursor.search == "UID 13:*")
        #expect(MailboxCursor(cursor.text) == cursor)
        #expect(cursor.externalID(folder: "INBOX", uid: 42) == "INBOX/7/42")
    }

    @Test func `new UIDs mean a full sweep, which leaves out what was too old at the start`() {
        let before = MailboxCursor(uidValidity: 7, last: 12, mailbox: "m", since: 1_700_000_000_000_000)
        let swept = Self.next(before, validity: 8)
        #expect(swept.last == 0)
        #expect(swept.generation == 0)
        #expect(swept.search == "UID 1:* SINCE 13-Nov-2023")
        #expect(MailboxCursor(swept.text) == swept)
    }

    @Test func `a server that gives numbers again without saying so is read from the start`() {
        let before = MailboxCursor(uidValidity: 7, last: 50, mailbox: "m")
        let anew = Self.next(before, uidNext: 12)
        #expect(anew.last == 0)
        #expect(anew.externalID(folder: "INBOX", uid: 3) == "INBOX~1/7/3")
        #expect(Self.next(before, uidNext: 51) == before)
        #expect(Self.next(before, uidNext: nil) == before)
    }

    @Test func `another mailbox under the same name never meets the old one's ids`() {
        let moved = Self.next(MailboxCursor(uidValidity: 7, last: 12, mailbox: "m"), mailbox: "other")
        #expect(moved.last == 0)
        #expect(moved.externalID(folder: "INBOX", uid: 3) == "INBOX~1/7/3")
    }

    @Test(
        "UIDs fold into ranges",
        arguments: [
            ([], ""), ([5], "5"), ([1, 2, 3], "1:3"), ([1, 3, 4, 9], "1,3:4,9"), ([4_294_967_294, 4_294_967_295], "4294967294:4294967295"),
        ] as [([UInt32], String)])
    func folds(_ uids: [UInt32], _ set: String) { #expect(MailboxCursor.set(uids) == set) }

    @Test func `batches keep to their budget, and a huge mail counts as its header`() {
        let sizes = [400, 400, 400, 900, 5000, 100]
        let mails = sizes.enumerated().map { MailSummary(uid: UInt32($0.offset + 1), flags: [], internalDate: nil, sizeBytes: $0.element) }
        #expect(
            FetchPlan.batches(mails, sizeBytesMax: 10_000, count: 10, bytes: 1000).map { $0.map(\.uid) } == [[1, 2], [3], [4], [5], [6]])
        #expect(
            FetchPlan.batches(mails, sizeBytesMax: 10_000, count: 2, bytes: 1 << 20).map { $0.map(\.uid) } == [[1, 2], [3, 4], [5, 6]])
        #expect(FetchPlan.batches(mails, sizeBytesMax: 1000, count: 10, bytes: 1 << 20).map { $0.map(\.uid) } == [[1, 2, 3, 4, 5, 6]])
    }
}
