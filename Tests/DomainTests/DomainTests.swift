import Domain
import Testing

@Suite struct DomainTests {
    @Test("the wait doubles after each failure, up to an hour", arguments: zip([0, 1, 2, 5, 6, 60], [60, 120, 240, 1920, 3600, 3600]))
    func wait(failures: Int, seconds: Int) {
        var schedule = PollSchedule(interval: .seconds(60))
        for _ in 0..<failures { schedule.recordFailure() }
        #expect(schedule.nextWait == .seconds(seconds))
        #expect(schedule.nextWait(dice: 0) == .seconds(seconds) * 0.9)
        schedule.recordSuccess()
        #expect(schedule.nextWait == .seconds(60))
    }

    @Test func `ids grow and never repeat, even when the clock steps back or a millisecond is used up`() {
        var sequence = IDSequence(node: 7)
        var last: Int64 = 0
        let start = Timestamp(seconds: 1_800_000_000)
        for step in 0..<10_000 {
            let id = sequence.next(at: step == 5000 ? start - .seconds(3600) : start)
            #expect(id > last)
            last = id
        }
        #expect(last >> 12 & 1023 == 7)
    }

    @Test(
        "an instant prints as RFC 3339",
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_795_339_800, "2026-11-22T09:30:00Z"),
            (-1, "1969-12-31T23:59:59Z"), (4_102_444_799, "2099-12-31T23:59:59Z"),
        ] as [(Int64, String)])
    func prints(seconds: Int64, text: String) { #expect(Timestamp(seconds: seconds).description == text) }

    @Test func `days and dates are each other's inverse over four centuries`() {
        for day in stride(from: -100_000, through: 100_000, by: 37) { #expect(CivilDate(daysSince1970: day).daysSince1970 == day) }
        #expect(CivilDate(year: 2026, month: 11, day: 22).weekday == 7)
        #expect(CivilDate(year: 1969, month: 12, day: 29).weekday == 1)
    }

    @Test(
        "what a customer's message makes of a ticket",
        arguments: [
            (.new, .new), (.open, .open), (.pending, .open), (.solved, .open), (.closed, nil),
        ] as [(Ticket.Status, Ticket.Status?)])
    func reopening(before: Ticket.Status, after: Ticket.Status?) { #expect(before.afterCustomerMessage == after) }

    @Test(
        "an SMTP reply decides the outcome",
        arguments: [
            (250, .accepted("250 x")), (451, .deferred(after: .seconds(60), "451 x")), (550, .rejected("550 x")), (354, .rejected("354 x")),
        ] as [(Int, DeliveryOutcome)])
    func outcome(code: Int, expected: DeliveryOutcome) {
        #expect(DeliveryOutcome(smtpCode: code, text: "x", retryAfter: .seconds(60)) == expected)
    }

    @Test func `retries wait 1, 2, 4 minutes and never more than four hours`() {
        let schedule = RetrySchedule()
        #expect([1, 2, 3, 20].map { schedule.wait(afterAttempt: $0) } == [.seconds(60), .seconds(120), .seconds(240), .seconds(14_400)])
    }

    @Test func `only marketing is never sent again when its fate is unknown`() {
        #expect(Send.Purpose.allCases.filter { !$0.resendsUncertain } == [.marketing])
    }

    @Test func `a secret does not show in any kind of printing`() {
        var account = Account(name: "support", kind: .imap, url: "imaps://mail.example")
        account.password = Secret("hunter2")
        var dumped = ""
        dump(account, to: &dumped)
        for text in ["\(account)", String(reflecting: account), dumped] { #expect(!text.contains("hunter2")) }
        #expect(account.password?.reveal() == "hunter2")
    }

    @Test func `a person is recognised by address, phone and handle, in that order`() {
        let author = Interaction.Author(name: "Li Lei", email: "Li@X.example", phone: "+8613800000000", handle: "LiLei", network: "weibo")
        #expect(author.identities.map(\.value) == ["li@x.example", "+8613800000000", "weibo/lilei"])
    }
}
