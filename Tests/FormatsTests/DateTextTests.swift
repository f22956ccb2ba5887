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
            Case(text: "Wed, 19 Aug 2009 18:28:00 Etc/GMT", says: "2009-08-19T18:28:00Z"),
            Case(text: "Thu, 10 Jul 1997 14:53:31 EST5EDT", says: "1997-07-10T19:53:31Z"),
            Case(text: "20 11 (no name) 79 05:34:27 -0300", says: "1979-11-20T08:34:27Z"),
            Case(text: "Fri, 2006/09/15 08:19:53 EDT", says: "2006-09-15T12:19:53Z"),
            Case(text: "from a by b id c; Mon, 10 Oct 2022 10:31:15 -0700 (PDT)", says: "2022-10-10T17:31:15Z"),
            Case(text: "So., 22. November 2026 9:30pm", says: "2026-11-22T21:30:00Z"),
            Case(text: "Mar 22 déc 2026 09:30:00+0100", says: "2026-12-22T08:30:00Z"),
            Case(text: "Вс, 22 ноя 2026 09:30:00 +0300", says: "2026-11-22T06:30:00Z"),
            Case(text: "Sun, 22 Nov 2026 ((cut off) 09:30:00", says: nil),
            Case(text: "Sun, 22 Nov 2026 09:30:00 +zz:00", says: nil),
            Case(text: "Sun, 22 Abc 2026 09:30:00", says: nil),
            Case(text: "22 00 2026 09:30:00", says: nil),
            Case(text: "numbers 0 1 2 only", says: nil),
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
            Case(text: "2026-W47-7", says: "2026-11-22T00:00:00Z"),
            Case(text: "2026W477T0930Z", says: "2026-11-22T09:30:00Z"),
            Case(text: "2026-W01", says: "2025-12-29T00:00:00Z"),
            Case(text: "2026-W54-1", says: nil),
            Case(text: "2026-366", says: nil),
            Case(text: "2026-011-22T09:30:00Z", says: "2026-11-22T09:30:00Z"),
            Case(text: "2026-július-13T9:15-05:00", says: "2026-07-13T14:15:00Z"),
            Case(text: "2026-11-22-01", says: nil),
            Case(text: "2026-11-22T09:xx:00Z", says: nil),
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
            Case(text: "２０２６年１１月２２日 09：30", says: "2026-11-22T01:30:00Z"),
            Case(text: "2026-11-22 오후 05:30:00", says: "2026-11-22T08:30:00Z"),
            Case(text: "2026년 11월 22일 17:30", says: "2026-11-22T08:30:00Z"),
            Case(text: "2026年11月22日 午後5:30", says: "2026-11-22T08:30:00Z"),
            Case(text: "Κυρ, 11 Ιούλ 2004 12:00:00 EST", says: "2004-07-11T17:00:00Z"),
            Case(text: "-2611", says: "2026-11-01T00:00:00Z"),
            Case(text: "-26-11", says: "2026-11-01T00:00:00Z"),
            Case(text: "261122", says: "2026-11-22T00:00:00Z"),
            Case(text: "2013-01-27-01", says: nil),
            Case(text: "1.2.3.4.5.6.7.8", says: nil),
            Case(text: "soon", says: nil),
        ])
    func feed(_ test: Case) { #expect(DateText.anyFeedDate(test.text)?.description == test.says) }

    @Test func `a mail's date may be of any form`() {
        for text in ["Sun, 22 Nov 2026 09:30:00 GMT", "2026-11-22T09:30:00Z", "2026年11月22日 17:30", "2026-11-22 09:30:00"] {
            #expect(DateText.mail(text)?.description == "2026-11-22T09:30:00Z", "\(text)")
        }
    }

    @Test func `what we write we read`() throws {
        for seconds: Int64 in [0, 951_782_399, 951_782_400, 1_795_339_800, 4_102_444_799] {
            let time = Timestamp(seconds: seconds)
            #expect(DateText.rfc5322(DateText.formatRFC5322(time)) == time)
        }
        #expect(DateText.formatRFC5322(Timestamp(seconds: 1_795_339_800)) == "Sun, 22 Nov 2026 09:30:00 +0000")
    }
}
