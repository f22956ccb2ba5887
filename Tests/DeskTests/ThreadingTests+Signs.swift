import Domain
import Store

@testable import Desk

extension ThreadingTests {
    /// 22 bytes that a conversation in Outlook shares, and five more for an answer.
    private static let root = "AdlQ7yvC0m0fVQxLSMuW3kqZl1o0"
    private static let rootMail = root + "3A=="
    private static let answer = root + "3AAABCZA"

    static let bySigns: [Story] = [
        Story(
            says: "an address that only our answer names leads to its ticket, whoever writes",
            steps: [
                .mails([Mail(key: "a")]), .reply(1001, draft: "d1"),
                .mails([
                    Mail(
                        key: "b", from: "bob@else.example", subject: "Chair", fields: ["Delivered-To": "help+own:d1@shop.example"])
                ]),
            ],
            filed: ["b": 1001]),
        Story(
            says: "a name in an address that we did not sign leads nowhere",
            steps: [
                .mails([Mail(key: "a")]), .reply(1001, draft: "d1"),
                .mails([
                    Mail(
                        key: "b", from: "bob@else.example", subject: "Chair",
                        fields: ["X-Original-To": "help+h.s.1a2b3c.0123456789abcdef@shop.example"])
                ]),
            ],
            filed: ["b": 1002]),
        Story(
            says: "strangers who answer the same mail that we never saw stay apart",
            steps: [
                .mails([Mail(key: "a", from: "ann@one.example", subject: "Re: News", inReplyTo: ["lost"])]),
                .mails([Mail(key: "b", from: "bob@two.example", name: "Bob", subject: "Re: News", inReplyTo: ["lost"])]),
            ],
            filed: ["a": 1001, "b": 1002],
            because: (
                "b",
                "opened #1002, which mentions #1001: In-Reply-To <lost@mail> is mentioned in #1001, but Bob has to do with nobody there"
            )),
        Story(
            says: "so do two who merely have their mail at the same provider",
            steps: [
                .mails([Mail(key: "a", from: "ann@gmail.com", subject: "Re: News", inReplyTo: ["lost"])]),
                .mails([Mail(key: "b", from: "bob@gmail.com", subject: "Re: News", inReplyTo: ["lost"])]),
            ],
            filed: ["a": 1001, "b": 1002]),
        Story(
            says: "somebody who writes to a participant has to do with the matter",
            steps: [
                .mails([Mail(key: "a", from: "ann@one.example", inReplyTo: ["lost"])]),
                .mails([
                    Mail(
                        key: "b", from: "bob@two.example", subject: "Re: x", references: ["lost"],
                        to: ["help@shop.example", "ann@one.example"])
                ]),
            ],
            filed: ["a": 1001, "b": 1001]),
        Story(
            says: "one id on the mails of two people keeps them apart",
            steps: [
                .mails([Mail(key: "a", from: "ann@one.example", messageID: "1@localhost")]),
                .mails([Mail(key: "b", from: "bob@two.example", messageID: "1@localhost")]),
            ],
            filed: ["a": 1001, "b": 1002]),
        Story(
            says: "Outlook's conversation joins its answer, when the writer has to do with it",
            steps: [
                .mails([Mail(key: "a", fields: ["Thread-Index": rootMail])]),
                .mails([Mail(key: "b", subject: "changed", fields: ["Thread-Index": answer])]),
                .mails([Mail(key: "c", from: "eve@two.example", subject: "changed", fields: ["Thread-Index": answer])]),
                .mails([Mail(key: "d", subject: "new", fields: ["Thread-Index": rootMail])]),
            ],
            filed: ["a": 1001, "b": 1001, "c": 1002, "d": 1003],
            because: ("b", "joined #1001: Thread-Index says it is the same conversation")),
        Story(
            says: "Gmail's conversation does the same",
            steps: [
                .mails([Mail(key: "a", fields: ["X-GM-THRID": "1812345678901234567"])]),
                .mails([Mail(key: "b", subject: "changed", fields: ["X-GM-THRID": "1812345678901234567"])]),
            ],
            filed: ["b": 1001]),
        Story(
            says: "our mark in quoted words joins where References were lost",
            steps: [
                .mails([Mail(key: "a")]), .reply(1001, draft: "d1"),
                .mails([Mail(key: "b", from: "bob@two.example", subject: "no mark", body: "Fine!\n> Regards\n> [own:d1]\n")]),
            ],
            filed: ["b": 1001]),
        Story(
            says: "a stranger who forwards our answer begins a matter of their own",
            steps: [
                .mails([Mail(key: "a")]), .reply(1001, draft: "d1"),
                .mails([Mail(key: "b", from: "bob@two.example", name: "Bob", subject: "Fwd: Lamp", body: "See below\n[own:d1]\n")]),
            ],
            filed: ["b": 1002],
            because: (
                "b", "opened #1002, which mentions #1001: it forwards our answer in #1001, in which Bob takes no part"
            )),
        Story(
            says: "a forward with nothing but an id nobody has seen does not join",
            steps: [
                .mails([Mail(key: "a", inReplyTo: ["lost"])]), .mails([Mail(key: "b", subject: "WG: Lamp", references: ["lost"])]),
            ],
            filed: ["b": 1002]),
        Story(
            says: "a forward that has the number joins, from somebody who takes part",
            steps: [.mails([Mail(key: "a")]), .mails([Mail(key: "b", subject: "Fwd: Lamp [#1001]")])],
            filed: ["b": 1001]),
        Story(
            says: "a trusted domain is one participant",
            steps: [
                .mails([Mail(key: "a", from: "ann@partner.example")]),
                .mails([Mail(key: "b", from: "bob@partner.example", subject: "about #1001")]),
                .mails([Mail(key: "c", from: "ann@example.com", subject: "Chair")]),
                .mails([Mail(key: "d", from: "bob@example.com", subject: "about #1002")]),
            ],
            filed: ["b": 1001, "d": 1003]),
        Story(
            says: "somebody who got a copy joins by the subject of an answer",
            steps: [
                .mails([Mail(key: "a", to: ["help@shop.example", "cy@two.example"])]),
                .mails([Mail(key: "b", from: "cy@two.example", name: "Cy", subject: "Ответ: Lamp")]),
            ],
            filed: ["b": 1001], because: ("b", "joined #1001: a reply by Cy, who takes part, with the same subject within 30 days")),
        Story(
            says: "a bounce joins by what it says about our mail",
            steps: [
                .mails([Mail(key: "a")]), .reply(1001, draft: "d1"),
                .mails([
                    Mail(
                        key: "b", from: "mailer-daemon@two.example", subject: "Undelivered", nature: .bounce,
                        fields: ["Original-Message-ID": "<own:d1@shop.example>"])
                ]),
            ],
            filed: ["b": 1001]),
    ]
}
