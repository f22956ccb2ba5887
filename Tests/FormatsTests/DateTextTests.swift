import Domain
import Formats
import Testing

@Suite struct DateTextTests {
    struct Case: Sendable { var text: String; var says: String? }

    @Test(
        "a mail's date is read",
        arguments: [
            Case(text: "Sun, 22 Nov 2026 09:30:00 +0000", says: "2026-11-22T09:30:00Z"),
            Case(text: "Sun, 22 Nov 2026 09:30:00 +0800 (CST)", says: "2026-11-22T01:30:00Z"),
            Case(text: "22 Nov 2026 09:30 -0500", says: "2026-11-22T14:30:00Z"),
            Case(text: "22 Nov 26 09:30 EST", says: "2026-11-22T14:30:00Z"),
            Case(text: "Sat, 1 Jan 00 00:00:00 GMT", says: "2000-01-01T00:00:00Z"),
            Case(text: "Fri, 31 Dec 99 23:59:60 UT", says: "2000-01-01T00:00:00Z"),
            Case(text: "Mon, 1 Jan 101 00:00:00 Z", says: "2001-01-01T00:00:00Z"),
            Case(text: "Sun(x(y)), 22 (day) Nov 2026\r\n 09:30:00 +0000", says: "2026-11-22T09:30:00Z"),
            Case(text: "Sun Nov 22 09:30:00 2026", says: "2026-11-22T09:30:00Z"),
            Case(text: "Sun Nov 22 09:30:00 PST 2026", says: "2026-11-22T17:30:00Z"),
            Case(text: "22-Nov-2026 09:30:00 +0100", says: "2026-11-22T08:30:00Z"),
            Case(text: "Sunday, November 22, 2026 9:30:00 PM", says: "2026-11-22T21:30:00Z"),
            Case(text: "Sun, 22 Nov 2026 09:30:00 GMT+0200", says: "2026-11-22T07:30:00Z"),
            Case(text: "Sun, 22 Nov 2026 09:30:00 +9999", says: "2026-11-22T09:30:00Z"),
            Case(text: "Sun, 22 Nov 2026", says: "2026-11-22T00:00:00Z"),
            Case(text: "Thu, 32 Foo 2026 25:61:00 +9999", says: nil),
            Case(text: "Mon, 29 Feb 2027 00:00:00 +0000", says: nil),
            Case(text: "yesterday", says: nil),
            Case(text: "", says: nil),
            Case(text: String(repeating: "1 ", count: 5000), says: nil),
        ])
    func mail(_ test: Case) { #expect(DateText.rfc5322(test.text)?.description == test.says) }

    @Test(
        "an ISO date is read",
        arguments: [
            Case(text: "2026-11-22T09:30:00Z", says: "2026-11-22T09:30:00Z"),
            Case(text: "2026-11-22T09:30:00.123456+08:00", says: "2026-11-22T01:30:00Z"),
            Case(text: "2026-11-22t09:30z", says: "2026-11-22T09:30:00Z"),
            Case(text: "2026-11-22 09:30:00", says: "2026-11-22T09:30:00Z"),
            Case(text: "20261122T093000+0100", says: "2026-11-22T08:30:00Z"),
            Case(text: "2026-11-22T24:00:00Z", says: "2026-11-23T00:00:00Z"),
            Case(text: "2026-326", says: "2026-11-22T00:00:00Z"),
            Case(text: "2026-11", says: "2026-11-01T00:00:00Z"),
            Case(text: "2026", says: "2026-01-01T00:00:00Z"),
            Case(text: "2026-13-01", says: nil),
            Case(text: "2026-11-22T09:30:00+", says: nil),
            Case(text: "22.11.2026", says: nil),
            Case(text: "", says: nil),
        ])
    func iso(_ test: Case) { #expect(DateText.iso8601(test.text)?.description == test.says) }

    @Test(
        "an odd date of a feed is read",
        arguments: [
            Case(text: "  Sun, 22 Nov 2026 09:30:00 GMT ", says: "2026-11-22T09:30:00Z"),
            Case(text: "2026-11-22T09:30:00Z", says: "2026-11-22T09:30:00Z"),
            Case(text: "1795339800", says: "2026-11-22T09:30:00Z"),
            Case(text: "1795339800000", says: "2026-11-22T09:30:00Z"),
            Case(text: "2026年11月22日 下午5时30分", says: "2026-11-22T09:30:00Z"),
            Case(text: "2026年11月22日", says: "2026-11-21T16:00:00Z"),
            Case(text: "2026/11/22 09:30", says: "2026-11-22T09:30:00Z"),
            Case(text: "11/22/2026", says: "2026-11-22T00:00:00Z"),
            Case(text: "22.11.2026 09:30", says: "2026-11-22T09:30:00Z"),
            Case(text: "soon", says: nil),
        ])
    func feed(_ test: Case) { #expect(DateText.anyFeedDate(test.text)?.description == test.says) }

    @Test func `what we write we read`() throws {
        for seconds: Int64 in [0, 951_782_399, 951_782_400, 1_795_339_800, 4_102_444_799] {
            let time = Timestamp(seconds: seconds)
            #expect(DateText.rfc5322(DateText.formatRFC5322(time)) == time)
        }
        #expect(DateText.formatRFC5322(Timestamp(seconds: 1_795_339_800)) == "Sun, 22 Nov 2026 09:30:00 +0000")
    }
}
