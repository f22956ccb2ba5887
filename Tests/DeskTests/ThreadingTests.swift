import Domain
import Store
import Testing

@testable import Desk

@Suite struct ThreadingTests {
    enum Step: Sendable {
        case mails([Mail])
        case reply(Int64, draft: String)
        case status(Int64, Ticket.Status)
        case wait(Duration)
    }

    struct Story: Sendable, CustomTestStringConvertible {
        let says: String
        let steps: [Step]
        /// Ticket number of each mail; nil stays unfiled.
        let filed: [String: Int64?]
        /// The last named mail's reason.
        var because: (key: String, text: String)?
        var testDescription: String { says }
    }

    @Test("each message joins the ticket it belongs to", .timeLimit(.minutes(10)), arguments: byIDs + bySubject + automatic + bySigns)
    func threads(_ story: Story) async throws {
        try await Office.with(settings: { $0.trustedDomains = ["partner.example"] }) { office in
            var ids: [String: String] = [:]
            for step in story.steps {
                switch step {
                case .mails(let mails):
                    try await office.deliver(mails, ids: ids)
                    try await office.placeAll()
                case .reply(let number, let draft):
                    let reply = try #require(try await office.reply(number, draft: draft).reply)
                    ids["own:\(draft)"] = try await office.store.read { try $0.sends.get(reply.send)?.messageID }
                case .status(let number, let status): #expect(try await office.setStatus(number, status) == .changed)
                case .wait(let duration): office.time.advance(duration)
                }
            }
            for (key, number) in story.filed { #expect(try await office.ticketNumber(of: key) == number, "\(key)") }
            if let (key, text) = story.because {
                let message = try #require(try await office.stored(key))
                let reasons = try await office.reasons(.interaction, message.id.rawValue)
                #expect(reasons.contains("thread: \(text)"), "\(reasons)")
            }
            #expect(try await office.store.read { try $0.interactions.unplacedCount() } == 0)
        }
    }

    static let byIDs: [Story] = [
        Story(
            says: "an answer joins by In-Reply-To",
            steps: [.mails([Mail(key: "a")]), .mails([Mail(key: "b", from: "bob@example.com", subject: "other", inReplyTo: ["a"])])],
            filed: ["a": 1001, "b": 1001], because: ("b", "joined #1001: In-Reply-To <a@mail> is known in support")),
        Story(
            says: "of several known References the newest wins",
            steps: [.mails([Mail(key: "a"), Mail(key: "b")]), .mails([Mail(key: "c", references: ["a", "b"])])],
            filed: ["a": 1001, "b": 1002, "c": 1002], because: ("c", "joined #1002: References <b@mail> is known in support")),
        Story(
            says: "In-Reply-To is stronger than References",
            steps: [.mails([Mail(key: "a"), Mail(key: "b")]), .mails([Mail(key: "c", inReplyTo: ["a"], references: ["a", "b"])])],
            filed: ["c": 1001]),
        Story(
            says: "two answers to a mail we never saw join each other",
            steps: [
                .mails([Mail(key: "a", subject: "Re: x", inReplyTo: ["lost"])]),
                .mails([Mail(key: "b", from: "bob@example.com", subject: "Re: x", references: ["lost"])]),
            ],
            filed: ["a": 1001, "b": 1001]),
        Story(
            says: "a parent that comes after its answer joins it",
            steps: [.mails([Mail(key: "b", from: "bob@example.com", inReplyTo: ["a"])]), .mails([Mail(key: "a")])],
            filed: ["a": 1001, "b": 1001], because: ("a", "joined #1001: an answer to its own id <a@mail> came before it")),
        Story(
            says: "a conversation inside one batch is placed in the order it was held",
            steps: [
                .mails([
                    Mail(key: "c", inReplyTo: ["b"], age: .seconds(10)), Mail(key: "b", inReplyTo: ["a"], age: .seconds(20)),
                    Mail(key: "a", age: .seconds(30)), Mail(key: "x", from: "bob@example.com", subject: "Chair", age: .seconds(40)),
                ])
            ],
            filed: ["x": 1001, "a": 1002, "b": 1002, "c": 1002]),
        Story(
            says: "ids of one account mean nothing in another",
            steps: [.mails([Mail(key: "a")]), .mails([Mail(key: "b", inReplyTo: ["a"], account: "news")])],
            filed: ["a": 1001, "b": 1002]),
        Story(
            says: "our own signed id is stronger than any other, and holds in every account",
            steps: [
                .mails([Mail(key: "a"), Mail(key: "b", from: "bob@example.com")]), .reply(1001, draft: "d1"),
                .mails([Mail(key: "c", inReplyTo: ["b"], references: ["b", "own:d1"], account: "news")]),
            ],
            filed: ["c": 1001]),
        Story(
            says: "an id that only looks like ours leads nowhere",
            steps: [
                .mails([Mail(key: "a")]), .reply(1001, draft: "d1"),
                .mails([
                    Mail(key: "c", from: "eve@example.com", subject: "Hi", inReplyTo: ["h.s.0000000000000.0123456789abcdef@shop.example"])
                ]),
            ],
            filed: ["c": 1002], because: ("c", "opened #1002: nothing it refers to is known")),
        Story(
            says: "a closed ticket takes no more messages, a new one mentions it",
            steps: [.mails([Mail(key: "a")]), .status(1001, .closed), .mails([Mail(key: "b", inReplyTo: ["a"])])],
            filed: ["a": 1001, "b": 1002],
            because: ("b", "opened #1002, which mentions #1001: #1001 is closed (In-Reply-To <a@mail> is known in support)")),
        Story(
            says: "the next answer to a closed ticket joins the new one",
            steps: [
                .mails([Mail(key: "a")]), .status(1001, .closed), .mails([Mail(key: "b", subject: "Re: Lamp", inReplyTo: ["a"])]),
                .mails([Mail(key: "c", subject: "Re: Lamp", inReplyTo: ["a"])]),
            ],
            filed: ["b": 1002, "c": 1002]),
    ]

    static let bySubject: [Story] = [
        Story(
            says: "a ticket number in the subject joins when the sender takes part",
            steps: [.mails([Mail(key: "a")]), .mails([Mail(key: "b", subject: "about [#1001]")])],
            filed: ["b": 1001], because: ("b", "joined #1001: the subject names #1001 and Ann Lee takes part in it")),
        Story(
            says: "a stranger's ticket number opens a ticket of their own",
            steps: [.mails([Mail(key: "a")]), .mails([Mail(key: "b", from: "eve@example.com", name: "Eve", subject: "Re: [#1001]")])],
            filed: ["b": 1002], because: ("b", "opened #1002, which mentions #1001: the subject names #1001, in which Eve takes no part")),
        Story(
            says: "somebody who got a copy takes part",
            steps: [
                .mails([Mail(key: "a", to: ["help@shop.example", "cy@example.com"])]),
                .mails([Mail(key: "b", from: "cy@example.com", name: "Cy", subject: "#1001 is urgent")]),
            ],
            filed: ["b": 1001]),
        Story(
            says: "a reply without ids joins by the same customer's subject",
            steps: [.mails([Mail(key: "a")]), .wait(.seconds(29 * 86_400)), .mails([Mail(key: "b", subject: "回复：Lamp")])],
            filed: ["b": 1001], because: ("b", "joined #1001: a reply by the same customer with the same subject within 30 days")),
        Story(
            says: "after 30 days it does not",
            steps: [.mails([Mail(key: "a")]), .wait(.seconds(31 * 86_400)), .mails([Mail(key: "b", subject: "Re: Lamp")])],
            filed: ["b": 1002]),
        Story(
            says: "in an imported mailbox the mails' own dates count",
            steps: [
                .mails([Mail(key: "a", age: .seconds(400 * 86_400)), Mail(key: "b", subject: "Re: Lamp", age: .seconds(10 * 86_400))])
            ],
            filed: ["a": 1001, "b": 1002]),
        Story(
            says: "another customer's reply with the same subject does not join",
            steps: [.mails([Mail(key: "a")]), .mails([Mail(key: "b", from: "bob@example.com", subject: "Re: Lamp")])],
            filed: ["b": 1002]),
        Story(
            says: "a forward never joins by its subject",
            steps: [
                .mails([Mail(key: "a")]), .mails([Mail(key: "b", subject: "Fwd: Lamp")]), .mails([Mail(key: "c", subject: "转发: Lamp")]),
            ],
            filed: ["b": 1002, "c": 1003]),
        Story(
            says: "a new mail with an old subject is a new matter",
            steps: [.mails([Mail(key: "a")]), .mails([Mail(key: "b")])], filed: ["b": 1002]),
        Story(
            says: "a form never joins by its subject",
            steps: [.mails([Mail(key: "a")]), .mails([Mail(key: "b", subject: "Re: Lamp", kind: .form)])], filed: ["b": 1002]),
    ]

    static let automatic: [Story] = [
        Story(
            says: "an automatic reply joins by ids",
            steps: [
                .mails([Mail(key: "a")]), .reply(1001, draft: "d1"),
                .mails([Mail(key: "ooo", subject: "Automatic reply: Lamp", inReplyTo: ["own:d1"], nature: .outOfOffice)]),
            ],
            filed: ["ooo": 1001]),
        Story(
            says: "an automatic reply joins a closed ticket, too",
            steps: [.mails([Mail(key: "a")]), .status(1001, .closed), .mails([Mail(key: "ooo", inReplyTo: ["a"], nature: .autoReply)])],
            filed: ["ooo": 1001],
            because: ("ooo", "joined #1001 as auto_reply, which leaves the status closed: In-Reply-To <a@mail> is known in support")),
        Story(
            says: "automatic mail joins neither by subject nor by number",
            steps: [
                .mails([Mail(key: "a")]), .mails([Mail(key: "r1", subject: "Re: Lamp", nature: .autoReply)]),
                .mails([Mail(key: "r2", subject: "[#1001]", nature: .list)]),
            ],
            filed: ["r1": nil, "r2": nil],
            because: ("r1", "unfiled as auto_reply: automatic mail outside any conversation stays unfiled")),
    ]

    @Test(
        "what becomes of an answer to a closed ticket is the queue's, else the account's business",
        .timeLimit(.minutes(10)),
        arguments: [
            (.reopen, nil, 0, 1001), (.new, nil, 0, 1002), (.newAfter(.seconds(86_400)), nil, 0, 1001),
            (.newAfter(.seconds(86_400)), nil, 2, 1002), (.reopen, .new, 0, 1002), (.new, .reopen, 2, 1001),
        ] as [(ClosedPolicy, ClosedPolicy?, Int, Int64)])
    func closed(account: ClosedPolicy, queue: ClosedPolicy?, daysLater: Int, number: Int64) async throws {
        try await Office.with(settings: { settings in
            settings.closedPolicies["support"] = account
            var policy = QueuePolicy(name: "Support")
            policy.closed = queue
            settings.queuePolicies["Support"] = policy
        }) { office in
            try await office.deliver([Mail(key: "a")])
            try await office.placeAll()
            #expect(try await office.setStatus(1001, .closed) == .changed)
            office.time.advance(.seconds(daysLater * 86_400))
            try await office.deliver([Mail(key: "b", inReplyTo: ["a"])])
            try await office.placeAll()
            #expect(try await office.ticketNumber(of: "b") == number)
            #expect(try await office.ticket(1001)?.status == (number == 1001 ? .open : .closed))
            #expect(try await office.events().contains(.ticketReopened) == (number == 1001))
        }
    }

    @Test(
        "the outermost mark of a subject tells a reply from a forward",
        arguments: [
            ("Re: x", .reply), ("RE[2]: x", .reply), ("AW: x", .reply), ("Sv: x", .reply), ("回复：x", .reply), ("答复: x", .reply),
            ("Re: Fwd: x", .reply), ("Ответ: x", .reply), ("[EXTERNAL] Re: x", .reply), ("RE : x", .reply), ("re2: x", .none),
            ("返信: x", .reply), ("Fwd: Re: x", .forward), ("WG: x", .forward), ("转发：x", .forward), ("VS: x", .forward), ("x", .none),
            ("", .none), ("Regarding: x", .none), ("re x", .none), ("12:30 tomorrow", .none),
        ] as [(String, SubjectLine.Mark)])
    func marks(subject: String, mark: SubjectLine.Mark) { #expect(SubjectLine.mark(subject) == mark) }

    @Test(
        "two subjects about the same have the same key",
        arguments: [
            ("Re: AW[2]: 回复：Lamp", "lamp"), ("Lamp [#1042]", "lamp"), ("[EXT] Re: RE (3): Lamp", "lamp"), ("Fwd: Lamp", "lamp"),
            ("Lamp: broken", "lamp: broken"), ("[#12] x [#a]", "x [#a]"), ("  Re:  ", ""), ("Re:Re:Re:", ""),
        ])
    func keys(subject: String, key: String) { #expect(Tickets.subjectKey(subject) == key) }

    @Test(
        "an answer's subject carries one mark and one number",
        arguments: [
            ("Lamp", "Re: Lamp [#1042]"), ("Re: Lamp", "Re: Lamp [#1042]"), ("Re: Lamp [#1042]", "Re: Lamp [#1042]"), ("", "Re: [#1042]"),
            ("[#1042] Lamp", "Re: Lamp [#1042]"), ("回复：灯坏了", "回复：灯坏了 [#1042]"), ("Fwd: Lamp", "Re: Fwd: Lamp [#1042]"),
            ("a\r\nBcc: x", "Re: a Bcc: x [#1042]"), ("AW: Re: Re: Lampe", "AW: Lampe [#1042]"), ("Re:Re:Lamp", "Re: Lamp [#1042]"),
            ("回复：Re: 灯", "回复：灯 [#1042]"), ("Re:", "Re: [#1042]"),
        ])
    func answers(subject: String, expected: String) { #expect(SubjectLine.answer(to: subject, number: 1042) == expected) }
}
