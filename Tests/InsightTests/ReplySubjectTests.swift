import Testing

@testable import Insight

@Suite struct ReplySubjectTests {
    @Test("a reply's subject is somebody else's words", arguments: ["Re: Bad service", "RE: x", "回复：太差了", "Fwd: awful", "re[2]: no"])
    func replies(subject: String) {
        #expect(Scorer.isReply(subject))
    }

    @Test("a subject that only looks like a reply is the author's", arguments: ["Refund please", "Real problem", "回复太慢了", "Re:"])
    func noReplies(subject: String) {
        #expect(!Scorer.isReply(subject))
    }
}
