import Testing

@testable import Insight

@Suite struct NewWordsTests {
    struct Case: Sendable {
        var body: String
        var words: String
    }

    @Test(
        "only what was written this time is kept",
        arguments: [
            Case(body: "It works.\n\n> Does it work?\n> Tell me.", words: "It works."),
            Case(body: "It works.\r\n\r\nOn Mon, 3 Jun 2024 at 10:00, Ann <ann@example.org> wrote:\r\n> Does it?", words: "It works."),
            Case(body: "It works.\n\nOn Mon, 3 Jun 2024 at 10:00, Ann Long-Name\n<ann@example.org> wrote:\n\nDoes it?", words: "It works."),
            Case(body: "On 3 Jun 2024, Ann wrote:\n> Does it?\n\nYes, it works.", words: "Yes, it works."),
            Case(body: "She wrote:\nwe are closed.", words: "She wrote:\nwe are closed."),
            Case(body: "It works.\n-----Original Message-----\nFrom: Ann\nBad!", words: "It works."),
            Case(body: "It works.\n\nFrom: Ann\nSent: Monday\nTo: Bob\n\nBad!", words: "It works."),
            Case(body: "From: the bottom of my heart, thanks.", words: "From: the bottom of my heart, thanks."),
            Case(body: "可以用了。\n\n在 2024年6月3日，小安 <an@example.org> 写道：\n不能用！", words: "可以用了。"),
            Case(body: "可以用了。\n------------------ 原始邮件 ------------------\n发件人: 客服\n不能用！", words: "可以用了。"),
            Case(body: "可以用了。\n发件人：客服\n发送时间：2024年6月3日\n不能用！", words: "可以用了。"),
            Case(body: "It works.\n-- \nAnn, Angry Ltd", words: "It works."),
            Case(body: "It works.\nSent from my phone", words: "It works."),
            Case(body: "> everything\n> is quoted", words: ""),
        ])
    func keeps(_ one: Case) {
        let kept = String(decoding: NewWords.of(one.body).filter { $0 != 0x0D }, as: UTF8.self)
        let lines = kept.split(separator: "\n").joined(separator: "\n")
        #expect(lines == one.words)
    }

    @Test("a reply's subject is somebody else's words", arguments: ["Re: Bad service", "RE: x", "回复：太差了", "Fwd: awful", "re[2]: no"])
    func replies(subject: String) {
        #expect(Scorer.isReply(subject))
    }

    @Test("a subject that only looks like a reply is the author's", arguments: ["Refund please", "Real problem", "回复太慢了", "Re:"])
    func noReplies(subject: String) {
        #expect(!Scorer.isReply(subject))
    }
}
